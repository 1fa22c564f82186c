package org.coolsd.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.coolsd.Backend;
import org.coolsd.Sampling;
import org.coolsd.checkpoint.AtomicFile;
import org.coolsd.command.DecodingOptions;
import org.coolsd.command.EngineOptions;
import org.coolsd.command.FirstEstimate;
import org.coolsd.command.JsonOption;
import org.coolsd.command.MemoryNeed;
import org.coolsd.command.ModelLoading;
import org.coolsd.command.Progress;
import org.coolsd.command.Version;
import org.coolsd.decode.Decoder;
import org.coolsd.decode.DecoderOptions;
import org.coolsd.decode.Request;
import org.coolsd.decode.Result;
import org.coolsd.decode.Totals;
import org.coolsd.images.CaptionEncoder;
import org.coolsd.images.Drafts;
import org.coolsd.images.ImageFolder;
import org.coolsd.images.ImageGrid;
import org.coolsd.images.ImagePipeline;
import org.coolsd.images.ImageRun;
import org.coolsd.images.ModelFolder;
import org.coolsd.images.Picture;
import org.coolsd.images.Png;
import org.coolsd.libtorch.LibTorch;
import org.coolsd.models.Component;
import org.coolsd.models.LoadedTarget;
import org.coolsd.models.Prompt;
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

    @Option(names = "--count", paramLabel = "N", description = "images, 1..10000 (default: ${DEFAULT-VALUE})")
    private int count = 16;

    @Option(
            names = "--seed",
            paramLabel = "S",
            description = "image i has seed S + i: the same seed, the same image (default: ${DEFAULT-VALUE})")
    private long seed = 0;

    @Option(names = "--output", paramLabel = "FILE", description = "default: ${DEFAULT-VALUE}")
    private Path output = Path.of("images.png");

    @Option(
            names = "--files",
            paramLabel = "DIR",
            description = "also write each image, with no border, to a PNG of its own: DIR/000000.png on")
    private Path files;

    @Option(names = "--model", paramLabel = "DIR", description = "model folder (default: ${DEFAULT-VALUE})")
    private Path model = ModelFolder.SHIPPED;

    @Option(
            names = "--compare",
            description =
                    "afterwards also make some of the images with and without drafts and say how much faster it is")
    private boolean compare;

    @Mixin
    private PromptOptions prompt;

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
        // Whatever the model's own are: a value that is out of range is a usage error before anything is read.
        decoding.sampling(Sampling.of());
        ImageFolder folder = ImageFolder.open(model);
        Drafts drafts = decoding.drafts(folder.drafts(), engine.onDevice());
        DecoderOptions options = decoding.decoder(drafts, engine.batch());
        engine.require(
                !compare || options.draftLength() > 0,
                "--compare has nothing to compare: this is plain sampling itself");
        folder = folder.with(drafts);
        prompt.check(folder);
        AtomicFile.requireWritable(output);
        if (files != null) {
            Files.createDirectories(files);
        }
        json.check();
        LibTorch.load(1);
        MemoryNeed.of("the model", memory(folder)).require();
        try (ImagePipeline<?> images = ModelLoading.load(folder, engine)) {
            return generate(folder, images, options);
        }
    }

    /** Of the models, of a batch of images, and of an encoder for captions. */
    private long memory(ImageFolder folder) throws IOException {
        long bytes = folder.memory(engine.precision(), engine.batch() * decoders());
        Optional<Component> encoder = prompt.isText() ? CaptionEncoder.find(folder.path()) : Optional.empty();
        return encoder.isEmpty() ? bytes : bytes + encoder.get().summary().memory(engine.precision());
    }

    /** Decoders that are open at once: --compare has two. */
    private int decoders() {
        return compare ? 2 : 1;
    }

    /** For images of the size that is asked for, once the weights are loaded. */
    private <C> void requireMemory(LoadedTarget<C> target, C condition, boolean guided) throws IOException {
        long bytes = decoders() * target.memory(condition, guided, engine.batch());
        MemoryNeed need = MemoryNeed.of("a batch of images of this size, beside the model,", bytes);
        if (!engine.onDevice()
                && need.there().isPresent()
                && need.needed() > need.there().getAsLong()) {
            throw new IOException(need.line() + "; use a smaller --batch or --size");
        }
    }

    private <C> int generate(ImageFolder folder, ImagePipeline<C> images, DecoderOptions options) throws Exception {
        Sampling sampling =
                decoding.sampling(folder.sampling().orElse(images.target().sampling()));
        List<Request<C>> requests = requests(images, folder, sampling);
        boolean guided = sampling.guidance() != 1;
        requireMemory(images.target(), requests.get(0).condition(), guided);
        ImageRun made;
        double seconds;
        long tokens = requests.stream().mapToLong(Request::length).sum();
        FirstEstimate estimate = new FirstEstimate(
                (long) Math.min(engine.batch(), count) * requests.get(0).length());
        try (Decoder<C> decoder = images.decoder(guided, engine.threads(), options);
                Progress bar = Progress.of("generate", tokens)) {
            long start = System.nanoTime();
            made = ImageRun.of(decoder, requests, done -> {
                bar.stepTo(done);
                estimate.after(done).ifPresent(System.err::println);
            });
            seconds = (System.nanoTime() - start) / 1e9;
        }
        List<Picture> pictures = new ArrayList<>();
        for (Map.Entry<Integer, Result> one : made.results().entrySet()) {
            Picture picture = images.picture(
                    requests.get(one.getKey()).condition(), one.getValue().tokens());
            pictures.add(picture);
            if (files != null) {
                byte[] png = Png.bytes(picture);
                AtomicFile.write(files.resolve(String.format("%06d.png", one.getKey())), out -> out.write(png));
            }
        }
        if (pictures.isEmpty()) {
            throw new IllegalStateException("no image could be made; " + firstFailure(images, made, folder));
        }
        ImageGrid.write(pictures, output);
        Totals totals = made.totals();
        Map<String, Object> figures = figures(folder, totals, seconds, images.backend());
        report(totals, seconds, images.backend());
        try {
            if (compare && made.failures().isEmpty()) {
                int compared = Math.min(Math.max(COMPARED, engine.batch()), count);
                double speedUp = speedUp(images, guided, options, requests.subList(count - compared, count));
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
            throw new IllegalStateException(
                    made.failures().size() + " of " + count + " images could not be made, the others are in " + output
                            + "; " + firstFailure(images, made, folder));
        }
        return 0;
    }

    /** The encoder of captions is freed before the first image is made. */
    private <C> List<Request<C>> requests(ImagePipeline<C> images, ImageFolder folder, Sampling sampling)
            throws IOException {
        List<Request<C>> requests = new ArrayList<>(count);
        try (CaptionEncoder captions = new CaptionEncoder(folder.path(), engine.precision())) {
            for (int i = 0; i < count; i++) {
                Prompt asked = prompt.of(i, folder, images.target().classes());
                boolean encoded = images.target().readsEmbeddings() && asked instanceof Prompt.Text;
                requests.add(
                        images.request(encoded ? captions.encode((Prompt.Text) asked) : asked, seed + i, sampling));
                if (i == 0) {
                    images.requireRoom(count, requests.get(0).condition());
                    if (encoded) {
                        images.requireSize((Prompt.Text) asked, requests.get(0).condition());
                    }
                }
            }
        } catch (IllegalArgumentException e) {
            throw new ParameterException(command.commandLine(), e.getMessage());
        }
        return requests;
    }

    private String firstFailure(ImagePipeline<?> images, ImageRun made, ImageFolder folder) throws IOException {
        int first = made.failures().firstKey();
        return "image " + first + " ("
                + prompt.text(first, folder, images.target().classes()) + ", seed " + (seed + first) + "): "
                + made.failures().get(first);
    }

    /** How much faster a few images are with drafts than without; both ways in turn, after a first time of each. */
    private <C> double speedUp(
            ImagePipeline<C> images, boolean guided, DecoderOptions options, List<Request<C>> requests) {
        double plain = 0;
        double drafted = 0;
        DecoderOptions alone = DecoderOptions.of(0).slots(options.slots());
        try (Decoder<C> without = images.decoder(guided, engine.threads(), alone);
                Decoder<C> with = images.decoder(guided, engine.threads(), options)) {
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

    private Map<String, Object> figures(ImageFolder folder, Totals totals, double seconds, Backend backend) {
        Map<String, Object> figures = new LinkedHashMap<>();
        figures.put("output", output.toString());
        figures.put("images", totals.sequences());
        figures.put("schedule", decoding.name(folder.drafts()));
        figures.put("tokensPerSecond", totals.tokens() / seconds);
        figures.put("acceptedLength", totals.acceptedLength());
        figures.put("driftPerImage", totals.driftPerSequence());
        figures.put("backend", backend.name());
        figures.put("backendReason", backend.reason());
        return figures;
    }

    private void report(Totals totals, double seconds, Backend backend) {
        System.out.printf(
                Locale.ROOT,
                "%s: %d image%s in %.1f s, %.0f tokens/s; accepted length %.2f (tokens per step); verified on %s%n",
                output,
                totals.sequences(),
                totals.sequences() == 1 ? "" : "s",
                seconds,
                totals.tokens() / seconds,
                totals.acceptedLength(),
                backend);
        System.out.println(
                drift(totals.driftPerSequence(), (int) ((totals.tokens() - totals.forced()) / totals.sequences())));
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
}
