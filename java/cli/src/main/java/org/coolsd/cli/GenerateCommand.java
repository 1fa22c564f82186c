package org.coolsd.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import me.tongfei.progressbar.ProgressBar;
import org.coolsd.Backend;
import org.coolsd.Sampling;
import org.coolsd.Schedule;
import org.coolsd.engine.AtomicFile;
import org.coolsd.engine.DecodingStats;
import org.coolsd.engine.ImageModel;
import org.coolsd.engine.LibTorch;
import org.coolsd.engine.ModelFolder;
import org.coolsd.engine.Picture;
import org.coolsd.engine.SpeculativeDecoder;
import org.coolsd.engine.model.Precision;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code coolsd generate}: images from a model folder, as one PNG. */
@Command(
        name = "generate",
        description = "Makes images with COOL-SD and writes them as one PNG.",
        mixinStandardHelpOptions = true)
final class GenerateCommand implements Callable<Integer> {
    /** Images that plain sampling makes again, at most, to measure the speed-up. */
    private static final int COMPARED = 2;

    @Spec
    private CommandSpec command;

    @Option(names = "--class", paramLabel = "NAME|INDEX", description = "default: all classes in turn")
    private String label;

    @Option(names = "--count", paramLabel = "N", description = "images, 1..10000 (default: ${DEFAULT-VALUE})")
    private int count = 16;

    @Option(
            names = "--seed",
            paramLabel = "S",
            description = "image i has seed S + i: the same seed, the same image (default: ${DEFAULT-VALUE})")
    private long seed = 0;

    @Option(names = "--output", paramLabel = "FILE", description = "default: ${DEFAULT-VALUE}")
    private Path output = Path.of("images.png");

    @Option(names = "--model", paramLabel = "DIR", description = "model folder (default: ${DEFAULT-VALUE})")
    private Path model = ModelFolder.SHIPPED;

    @Option(
            names = "--threads",
            paramLabel = "N",
            description = "of matrix products; one is fastest for small models (default: ${DEFAULT-VALUE})")
    private int threads = 1;

    @Mixin
    private DecodingOptions decoding;

    @Mixin
    private JsonOption json;

    @Override
    public Integer call() throws Exception {
        if (count < 1 || count > 10_000) {
            throw new ParameterException(command.commandLine(), "count is " + count + ", it must be 1..10000");
        }
        if (threads < 1) {
            throw new ParameterException(command.commandLine(), "threads is " + threads + ", at least 1 is needed");
        }
        Schedule.Drafts schedule = decoding.schedule();
        ModelFolder folder = ModelFolder.open(model);
        int only = label == null ? -1 : classIndex(folder.config().classes());
        Sampling sampling = decoding.sampling(folder);
        AtomicFile.requireWritable(output);
        json.check();
        LibTorch.load(threads);
        ImageModel images = ImageModel.load(folder, Precision.BF16);
        int classes = folder.config().classes().size();
        int compared = schedule.length() == 0 ? 0 : Math.min(COMPARED, count);
        int tokens = folder.config().target().blockSize();
        List<Picture> pictures = new ArrayList<>();
        double seconds = 0;
        double spedSeconds = 0;
        double plainSeconds = 0;
        DecodingStats stats;
        Backend backend;
        try (SpeculativeDecoder decoder = images.decoder(schedule, sampling, Backend.cpu("LibTorch runs on the CPU"));
                SpeculativeDecoder plain =
                        images.decoder(Schedule.lossless().draftLength(0), sampling, decoder.backend());
                ProgressBar bar = Progress.bar("generate", (long) count * tokens)) {
            for (int i = 0; i < count; i++) {
                int of = only >= 0 ? only : i % classes;
                long before = (long) i * tokens;
                double took = time(() -> pictures.add(images.picture(
                        decoder.decode(of, seed + pictures.size(), (done, all) -> bar.stepTo(before + done)))));
                seconds += took;
                // The last images, so that neither side pays for warming up.
                if (i >= count - compared) {
                    long again = seed + i;
                    plainSeconds += time(() -> images.picture(plain.decode(of, again, (done, all) -> {})));
                    spedSeconds += took;
                }
            }
            stats = decoder.stats();
            backend = decoder.backend();
        }
        ImageGrid.write(pictures, output);
        double speedUp = compared == 0 ? 1 : plainSeconds / spedSeconds;
        report(stats, seconds, speedUp, compared, backend);
        return 0;
    }

    private static double time(Runnable work) {
        long start = System.nanoTime();
        work.run();
        return (System.nanoTime() - start) / 1e9;
    }

    private void report(DecodingStats stats, double seconds, double speedUp, int compared, Backend backend)
            throws Exception {
        Map<String, Object> figures = new LinkedHashMap<>();
        figures.put("output", output.toString());
        figures.put("images", stats.images());
        figures.put("schedule", decoding.name());
        figures.put("tokensPerSecond", stats.tokens() / seconds);
        figures.put("acceptedLength", stats.acceptedLength());
        figures.put("driftPerImage", stats.driftPerImage());
        figures.put("speedUpOverPlainSampling", speedUp);
        figures.put("imagesCompared", compared);
        figures.put("backend", backend.name());
        figures.put("backendReason", backend.reason());
        json.write(figures);
        System.out.printf(
                Locale.ROOT,
                "%s: %d images, %.0f tokens/s, accepted length %.2f, drift %.2f per image, %.2f times plain sampling"
                        + " (%s); verified on %s%n",
                output,
                stats.images(),
                stats.tokens() / seconds,
                stats.acceptedLength(),
                stats.driftPerImage(),
                speedUp,
                compared == 0 ? "it is plain sampling" : "on " + compared + (compared == 1 ? " image" : " images"),
                backend);
    }

    private int classIndex(List<String> classes) {
        for (int i = 0; i < classes.size(); i++) {
            if (classes.get(i).equalsIgnoreCase(label) || Integer.toString(i).equals(label)) {
                return i;
            }
        }
        throw new ParameterException(
                command.commandLine(),
                "class is '" + label + "', it must be 0.." + (classes.size() - 1) + " or one of "
                        + String.join(", ", classes));
    }
}
