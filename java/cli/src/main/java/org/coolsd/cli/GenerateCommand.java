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
import org.coolsd.Schedule;
import org.coolsd.checkpoint.AtomicFile;
import org.coolsd.command.EngineOptions;
import org.coolsd.command.JsonOption;
import org.coolsd.command.Progress;
import org.coolsd.command.Version;
import org.coolsd.images.ImageGrid;
import org.coolsd.images.ImageModel;
import org.coolsd.images.ImageRequest;
import org.coolsd.images.ModelFolder;
import org.coolsd.images.Picture;
import org.coolsd.images.decoding.Cancellation;
import org.coolsd.images.decoding.DecodingException;
import org.coolsd.images.decoding.DecodingListener;
import org.coolsd.images.decoding.DecodingStats;
import org.coolsd.images.decoding.DraftLength;
import org.coolsd.images.decoding.SpeculativeDecoder;
import org.coolsd.images.decoding.Verification;
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
        Verification verification =
                decoding.verification(folder.config().target().blockSize());
        engine.require(
                !compare || verification.drafts().length() > 0,
                "--compare has nothing to compare: this is plain sampling itself");
        int only = label == null ? -1 : classIndex(folder.config().classes());
        Sampling sampling = decoding.sampling(folder);
        AtomicFile.requireWritable(output);
        json.check();
        LibTorch.load(1);
        try (ImageModel images = ImageModel.load(folder, engine.precision(), engine.placement())) {
            return generate(folder, images, verification, sampling, only);
        }
    }

    private int generate(ModelFolder folder, ImageModel images, Verification verification, Sampling sampling, int only)
            throws Exception {
        int classes = folder.config().classes().size();
        List<ImageRequest> requests = ImageRequest.inTurn(classes, 0, count, seed);
        if (only >= 0) {
            requests.replaceAll(request -> new ImageRequest(only, request.seed()));
        }
        Made made = new Made();
        DecodingStats stats;
        Backend backend;
        double seconds;
        try (SpeculativeDecoder decoder =
                        images.decoder(verification, sampling, engine.options(decoding.draftLength()));
                Progress bar = Progress.of(
                        "generate", (long) count * folder.config().target().blockSize())) {
            seconds = time(() -> made.decode(decoder, requests, bar));
            stats = decoder.stats();
            backend = decoder.backend();
        }
        List<Picture> pictures = new ArrayList<>();
        for (int[] image : made.tokens) {
            if (image != null) {
                pictures.add(images.picture(image));
            }
        }
        if (pictures.isEmpty()) {
            throw new IllegalStateException("no image could be made; " + made.firstFailure);
        }
        ImageGrid.write(pictures, output);
        Map<String, Object> figures = figures(stats, seconds, backend);
        report(stats, seconds, backend, folder.config().target().blockSize());
        try {
            if (compare && made.failures == 0) {
                int compared = Math.min(Math.max(COMPARED, engine.batch()), count);
                double speedUp = speedUp(images, verification, sampling, requests.subList(count - compared, count));
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
        if (made.failures > 0) {
            throw new IllegalStateException(made.failures + " of " + count
                    + " images could not be made, the others are in " + output + "; " + made.firstFailure);
        }
        return 0;
    }

    /** The images of a run: what was complete stays, whatever happens to another image. */
    private static final class Made {
        private List<int[]> tokens = List.of();
        private int failures;
        private String firstFailure = "";

        void decode(SpeculativeDecoder decoder, List<ImageRequest> requests, Progress bar) {
            DecodingListener progress = new DecodingListener() {
                @Override
                public void decided(int image, int[] all, int from, int to) {
                    bar.stepBy(to - from);
                }
            };
            try {
                tokens = decoder.decode(requests, progress, new Cancellation());
            } catch (DecodingException e) {
                tokens = e.images();
                failures = e.failures().size();
                int first = e.failures().firstKey();
                ImageRequest request = requests.get(first);
                firstFailure = "image " + first + " (class " + request.label() + ", seed " + request.seed() + "): "
                        + e.failures().get(first);
            }
        }
    }

    /** How much faster a few images are with drafts than without; both ways in turn, after a first time of each. */
    private double speedUp(
            ImageModel images, Verification verification, Sampling sampling, List<ImageRequest> requests) {
        double plain = 0;
        double drafted = 0;
        try (SpeculativeDecoder without = images.decoder(
                        Verification.token(Schedule.lossless().draftLength(0)),
                        sampling,
                        engine.options(DraftLength.fixed()));
                SpeculativeDecoder with =
                        images.decoder(verification, sampling, engine.options(decoding.draftLength()))) {
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

    private Map<String, Object> figures(DecodingStats stats, double seconds, Backend backend) {
        Map<String, Object> figures = new LinkedHashMap<>();
        figures.put("output", output.toString());
        figures.put("images", stats.images());
        figures.put("schedule", decoding.name());
        figures.put("tokensPerSecond", stats.tokens() / seconds);
        figures.put("acceptedLength", stats.acceptedLength());
        figures.put("driftPerImage", stats.driftPerImage());
        figures.put("backend", backend.name());
        figures.put("backendReason", backend.reason());
        return figures;
    }

    private void report(DecodingStats stats, double seconds, Backend backend, int tokensPerImage) {
        System.out.printf(
                Locale.ROOT,
                "%s: %d image%s in %.1f s, %.0f tokens/s; accepted length %.2f (tokens per step); verified on %s%n",
                output,
                stats.images(),
                stats.images() == 1 ? "" : "s",
                seconds,
                stats.tokens() / seconds,
                stats.acceptedLength(),
                backend);
        System.out.println(drift(stats.driftPerImage(), tokensPerImage));
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
