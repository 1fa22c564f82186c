package org.coolsd.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.coolsd.Backend;
import org.coolsd.Sampling;
import org.coolsd.checkpoint.AtomicFile;
import org.coolsd.command.EngineOptions;
import org.coolsd.command.JsonOption;
import org.coolsd.command.Progress;
import org.coolsd.command.Version;
import org.coolsd.decode.DecoderOptions;
import org.coolsd.decode.Drafter;
import org.coolsd.images.ImageDecoder;
import org.coolsd.images.ImageGrid;
import org.coolsd.images.ImageModel;
import org.coolsd.images.ImageRequest;
import org.coolsd.images.Images;
import org.coolsd.images.ModelFolder;
import org.coolsd.images.Picture;
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
        mixinStandardHelpOptions = true,
        versionProvider = Version.class)
final class GenerateCommand implements Callable<Integer> {
    /** Images that --compare makes again with and without drafts, unless a batch has more. */
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

    @Option(
            names = "--compare",
            description =
                    "afterwards also make some of the images with and without drafts and say how much faster it is")
    private boolean compare;

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
        ModelFolder folder = ModelFolder.open(model);
        DecoderOptions options = decoding.options();
        engine.require(
                !compare || options.draftLength() > 0,
                "--compare has nothing to compare: this is plain sampling itself");
        int only = label == null ? -1 : classIndex(folder.config().classes());
        Sampling sampling = decoding.sampling(folder);
        AtomicFile.requireWritable(output);
        json.check();
        LibTorch.load(1);
        try (ImageModel images = ImageModel.load(folder, engine.precision(), engine.placement())) {
            return generate(folder, images, options, sampling, only);
        }
    }

    private int generate(ModelFolder folder, ImageModel images, DecoderOptions options, Sampling sampling, int only)
            throws Exception {
        int classes = folder.config().classes().size();
        List<ImageRequest> requests = ImageRequest.inTurn(classes, 0, count, seed);
        if (only >= 0) {
            requests.replaceAll(request -> new ImageRequest(only, request.seed()));
        }
        Images made;
        Backend backend;
        double seconds;
        try (ImageDecoder decoder = engine.decoder(images, decoding.drafter(images), sampling, options);
                Progress bar = Progress.of(
                        "generate", (long) count * folder.config().target().blockSize())) {
            long start = System.nanoTime();
            made = decoder.decode(requests, (position, token) -> bar.stepBy(1));
            seconds = (System.nanoTime() - start) / 1e9;
            backend = decoder.backend();
        }
        List<Picture> pictures = new ArrayList<>();
        for (int[] image : made.tokens()) {
            pictures.add(images.picture(image));
        }
        if (pictures.isEmpty()) {
            throw new IllegalStateException("no image could be made; " + firstFailure(made, requests));
        }
        ImageGrid.write(pictures, output);
        Map<String, Object> figures = figures(made, seconds, backend);
        report(made, seconds, backend, folder.config().target().blockSize());
        try {
            if (compare && made.failures().isEmpty()) {
                int compared = Math.min(Math.max(COMPARED, engine.batch()), count);
                double speedUp = speedUp(images, options, sampling, requests.subList(count - compared, count));
                figures.put("speedUpOverPlainSampling", speedUp);
                figures.put("imagesCompared", compared);
                System.out.printf(
                        Locale.ROOT,
                        "%.2f times as fast as plain sampling of the same images (on %d of them, made again both ways)%n",
                        speedUp,
                        compared);
            }
        } finally {
            json.write(figures);
        }
        if (!made.failures().isEmpty()) {
            throw new IllegalStateException(made.failures().size() + " of " + count
                    + " images could not be made, the others are in " + output + "; "
                    + firstFailure(made, requests));
        }
        return 0;
    }

    private static String firstFailure(Images made, List<ImageRequest> requests) {
        int first = made.failures().firstKey();
        ImageRequest request = requests.get(first);
        return "image " + first + " (class " + request.label() + ", seed " + request.seed() + "): "
                + made.failures().get(first);
    }

    /** How much faster a few images are with drafts than without; both ways in turn, after a first time of each. */
    private double speedUp(ImageModel images, DecoderOptions options, Sampling sampling, List<ImageRequest> requests) {
        double plain = 0;
        double drafted = 0;
        try (ImageDecoder without = engine.decoder(images, Drafter.none(), sampling, DecoderOptions.of(0));
                ImageDecoder with = engine.decoder(images, decoding.drafter(images), sampling, options)) {
            for (int i = 0; i <= COMPARISONS; i++) {
                double one = time(() -> without.decode(requests));
                double other = time(() -> with.decode(requests));
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

    private Map<String, Object> figures(Images made, double seconds, Backend backend) {
        Map<String, Object> figures = new LinkedHashMap<>();
        figures.put("output", output.toString());
        figures.put("images", made.made().size());
        figures.put("schedule", decoding.name());
        figures.put("tokensPerSecond", made.tokenCount() / seconds);
        figures.put("acceptedLength", made.acceptedLength());
        figures.put("driftPerImage", made.driftPerImage());
        figures.put("backend", backend.name());
        figures.put("backendReason", backend.reason());
        return figures;
    }

    private void report(Images made, double seconds, Backend backend, int tokensPerImage) {
        System.out.printf(
                Locale.ROOT,
                "%s: %d image%s in %.1f s, %.0f tokens/s; accepted length %.2f (tokens per step); verified on %s%n",
                output,
                made.made().size(),
                made.made().size() == 1 ? "" : "s",
                seconds,
                made.tokenCount() / seconds,
                made.acceptedLength(),
                backend);
        System.out.println(drift(made.driftPerImage(), tokensPerImage));
    }

    /** What the drift of a run means. */
    static String drift(double drift, int tokensPerImage) {
        String meaning = drift == 0
                ? "the images have exactly the law of the target"
                : String.format(
                        Locale.ROOT,
                        "on average at most that many of its %d tokens (%.1f %%) differ from what the target would have"
                                + " drawn there; %s",
                        tokensPerImage,
                        100 * drift / tokensPerImage,
                        drift < 1
                                ? "it also bounds the total variation between the laws of whole images"
                                : "from 1 on it bounds nothing about whole images");
        return String.format(Locale.ROOT, "drift %.2f per image: %s (see docs/operation.md)", drift, meaning);
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
