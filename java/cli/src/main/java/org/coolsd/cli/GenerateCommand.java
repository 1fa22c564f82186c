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
import org.coolsd.checkpoint.AtomicFile;
import org.coolsd.command.EngineOptions;
import org.coolsd.command.JsonOption;
import org.coolsd.command.Progress;
import org.coolsd.images.ImageGrid;
import org.coolsd.images.ImageModel;
import org.coolsd.images.ImageRequest;
import org.coolsd.images.ModelFolder;
import org.coolsd.images.Picture;
import org.coolsd.images.decoding.Cancellation;
import org.coolsd.images.decoding.DecodingListener;
import org.coolsd.images.decoding.DecodingStats;
import org.coolsd.images.decoding.DraftLength;
import org.coolsd.images.decoding.SpeculativeDecoder;
import org.coolsd.libtorch.LibTorch;
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
    /** Images that are made again with and without drafts, unless a batch has more, to measure the speed-up. */
    private static final int COMPARED = 2;

    /** How often. */
    private static final int COMPARISONS = 2;

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

    @Mixin
    private DecodingOptions decoding;

    @Mixin
    private EngineOptions engine;

    @Mixin
    private JsonOption json;

    @Override
    public Integer call() throws Exception {
        engine.check();
        if (count < 1 || count > 10_000) {
            throw new ParameterException(command.commandLine(), "count is " + count + ", it must be 1..10000");
        }
        Schedule.Drafts schedule = decoding.schedule();
        ModelFolder folder = ModelFolder.open(model);
        int only = label == null ? -1 : classIndex(folder.config().classes());
        Sampling sampling = decoding.sampling(folder);
        AtomicFile.requireWritable(output);
        json.check();
        LibTorch.load(1);
        ImageModel images = ImageModel.load(folder, engine.precision(), engine.placement());
        int classes = folder.config().classes().size();
        List<ImageRequest> requests = ImageRequest.inTurn(classes, 0, count, seed);
        if (only >= 0) {
            requests.replaceAll(request -> new ImageRequest(only, request.seed()));
        }
        int compared = schedule.length() == 0 ? 0 : Math.min(Math.max(COMPARED, engine.batch()), count);
        DecodingStats stats;
        Backend backend;
        double seconds;
        double speedUp = 1;
        List<int[]> tokens;
        try (SpeculativeDecoder decoder = images.decoder(schedule, sampling, engine.options(decoding.draftLength()));
                ProgressBar bar = Progress.bar(
                        "generate", (long) count * folder.config().target().blockSize())) {
            List<int[]> decoded = new ArrayList<>();
            DecodingListener progress = new DecodingListener() {
                @Override
                public void decided(int image, int[] all, int from, int to) {
                    bar.stepBy(to - from);
                }
            };
            seconds = time(() -> decoded.addAll(decoder.decode(requests, progress, new Cancellation())));
            tokens = decoded;
            stats = decoder.stats();
            backend = decoder.backend();
        }
        if (compared > 0) {
            speedUp = speedUp(images, schedule, sampling, requests.subList(count - compared, count));
        }
        List<Picture> pictures = new ArrayList<>();
        tokens.forEach(image -> pictures.add(images.picture(image)));
        ImageGrid.write(pictures, output);
        report(stats, seconds, speedUp, compared, backend);
        return 0;
    }

    /** How much faster a few images are with drafts than without; both ways in turn, after a first time of each. */
    private double speedUp(
            ImageModel images, Schedule.Drafts schedule, Sampling sampling, List<ImageRequest> requests) {
        double plain = 0;
        double drafted = 0;
        try (SpeculativeDecoder without = images.decoder(
                        Schedule.lossless().draftLength(0), sampling, engine.options(DraftLength.fixed()));
                SpeculativeDecoder with = images.decoder(schedule, sampling, engine.options(decoding.draftLength()))) {
            for (int i = 0; i <= COMPARISONS; i++) {
                double one = time(() -> without.decode(requests, DecodingListener.NONE, new Cancellation()));
                double other = time(() -> with.decode(requests, DecodingListener.NONE, new Cancellation()));
                plain += i == 0 ? 0 : one;
                drafted += i == 0 ? 0 : other;
            }
        }
        return plain / drafted;
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
