package org.coolsd.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.coolsd.command.JsonOption;
import org.coolsd.command.Version;
import org.coolsd.images.ModelFolder;
import org.coolsd.libtorch.LibTorch;
import org.coolsd.libtorch.Placement;
import org.coolsd.libtorch.Precision;
import org.coolsd.libtorch.TensorFiles;
import org.coolsd.libtorch.Weights;
import org.coolsd.models.decoder.DecoderTarget;
import org.coolsd.models.llamagen.LlamaGenEagleForm;
import org.coolsd.models.llamagen.TargetForward;
import org.coolsd.models.vq.VqTokenizer;
import org.coolsd.training.ClassifierTask;
import org.coolsd.training.DrafterFolder;
import org.coolsd.training.DrafterTask;
import org.coolsd.training.SamplePrompts;
import org.coolsd.training.TargetTask;
import org.coolsd.training.TokenCache;
import org.coolsd.training.TokenizerTask;
import org.coolsd.training.TrainingPlan;
import org.coolsd.training.TrainingTask;
import org.coolsd.training.data.FashionMnist;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * {@code coolsd train}: one of the four models of a model folder, or a drafter for a published target, resumable at any time by
 * the same command.
 */
@Command(
        name = "train",
        description = {
            "Trains one model of a model folder on Fashion-MNIST, or with --model a drafter for a published model that has none;"
                    + " run again to resume."
        },
        footer = "For example: coolsd train drafter --model DIR",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class)
final class TrainCommand implements Callable<Integer> {
    /** What can be trained, in the order in which one needs the other, and how by default. */
    enum Model {
        TOKENIZER(700, 32, 2e-3, 0),
        CLASSIFIER(2500, 128, 1.5e-3, 0.01),
        TARGET(6000, 16, 2e-3, 0.05),
        DRAFTER(12000, 16, 2e-3, 0.01);

        private final long steps;
        private final int batch;
        private final double learningRate;
        private final double weightDecay;

        Model(long steps, int batch, double learningRate, double weightDecay) {
            this.steps = steps;
            this.batch = batch;
            this.learningRate = learningRate;
            this.weightDecay = weightDecay;
        }

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** Images of a published model are of 256 tokens or more; four of them are about what sixteen of the project's are. */
    private static final int PUBLISHED_BATCH = 4;

    /** One of each of ImageNet's classes. */
    private static final int SAMPLES = 1000;

    @Parameters(paramLabel = "MODEL", description = "one of ${COMPLETION-CANDIDATES}")
    private Model model;

    @Option(
            names = "--data",
            paramLabel = "DIR",
            description = "folder of the four IDX files (default: ${DEFAULT-VALUE}, of Debian's dataset-fashion-mnist)")
    private Path data = FashionMnist.DEBIAN;

    @Option(
            names = "--output",
            paramLabel = "DIR",
            description = "model folder: its config.json is read, the weights are written (default: ${DEFAULT-VALUE})")
    private Path output = ModelFolder.SHIPPED;

    @Option(
            names = "--model",
            paramLabel = "DIR",
            description =
                    "with drafter: a folder with a published model (docs/models.md); the drafter learns from images that"
                            + " the model makes itself, and is written to DIR/drafter")
    private Path published;

    @Mixin
    private SampleOptions shown;

    @Option(
            names = "--drafter",
            paramLabel = "DIR",
            description =
                    "with drafter: a folder of its own for the drafter, as generate --drafter takes it; it is trained for the"
                            + " model in --output, whose own drafter stays")
    private Path apart;

    @Option(
            names = "--samples",
            paramLabel = "N",
            description =
                    "with --model: images to learn from, 1..1000000, kept in DIR/drafter-training (default: 1000)")
    private Integer samples;

    @Option(names = "--pictures", paramLabel = "N", description = "learn from the first N pictures only (default: all)")
    private Integer pictures;

    @Option(names = "--steps", paramLabel = "N", description = "updates; the default depends on the model")
    private Long steps;

    @Option(names = "--batch", paramLabel = "N", description = "examples per update; the default depends on the model")
    private Integer batch;

    @Option(
            names = "--learning-rate",
            paramLabel = "R",
            description = "the highest, above 0, at most 1; the default depends on the model")
    private Double learningRate;

    @Option(
            names = "--seed",
            paramLabel = "S",
            description = "of weights, order and dropout (default: ${DEFAULT-VALUE})")
    private long seed = 0;

    @Mixin
    private JsonOption json;

    @Spec
    private CommandSpec command;

    @Override
    public Integer call() throws Exception {
        checkOptions();
        if (published != null) {
            DrafterTraining training = DrafterTraining.open(published);
            TrainingPlan plan = plan(PUBLISHED_BATCH, training.learningRate(model.learningRate));
            json.check();
            SamplePrompts prompts = shown.prompts(training.target());
            training.run(plan, prompts, samples == null ? SAMPLES : samples, threads(), json);
            return 0;
        }
        TrainingPlan plan = plan(model.batch, model.learningRate);
        ModelFolder folder = ModelFolder.open(output);
        json.check();
        LibTorch.load(threads());
        FashionMnist all = FashionMnist.train(data);
        require(pictures == null || pictures <= all.size(), "pictures is " + pictures + ", there are " + all.size());
        FashionMnist some = pictures == null ? all : all.first(pictures);
        Path cache = Files.createDirectories(output.resolve("training"))
                .resolve(pictures == null ? "tokens.safetensors" : "tokens-" + pictures + ".safetensors");
        Path run = apart == null ? cache.getParent() : Files.createDirectories(apart.resolve("training"));
        torch.manual_seed(seed);
        TrainingTask task = task(folder, some, cache);
        TrainingRun training = new TrainingRun(model.toString(), plan, run);
        double loss = training.run(task);
        if (apart != null) {
            ModelFolder.Config config = folder.config();
            // Of the form only the configuration is wanted, which is made of no weights.
            LlamaGenEagleForm form = new LlamaGenEagleForm(config.target(), config.drafter(), task.weights());
            DrafterFolder.write(apart, run, form.config(), task.weights());
            training.report(loss, apart, json);
            return 0;
        }
        Map<String, Tensor> half = new LinkedHashMap<>();
        task.weights().tensors().forEach((key, t) -> half.put(key, t.detach().to(torch.ScalarType.BFloat16)));
        Path file = folder.file(model.toString());
        TensorFiles.write(file, half, Map.of("format", "pt"));
        training.report(loss, file, json);
        return 0;
    }

    /** A usage error if options do not go together or are out of range. */
    private void checkOptions() {
        boolean trained = published != null;
        require(!trained || model == Model.DRAFTER, "--model is for drafter; " + model + " is trained in --output");
        require(apart == null || model == Model.DRAFTER, "--drafter is for drafter, not for " + model);
        require(!trained || apart == null, "--model and --drafter do not go together");
        for (String other : new String[] {"--data", "--output"}) {
            boolean given = command.commandLine().getParseResult().hasMatchedOption(other);
            require(!trained || !given, "--model and " + other + " do not go together");
        }
        require(trained || samples == null, "--samples is for --model");
        require(!trained || pictures == null, "--model and --pictures do not go together");
        require(pictures == null || pictures >= 1, "pictures is " + pictures + ", at least 1 is needed");
        require(trained || !shown.any(), "--caption-embeddings, --prompts and --size are for --model");
        require(
                samples == null || samples >= 1 && samples <= 1_000_000,
                "samples is " + samples + ", it must be 1..1000000");
        plan(model.batch, model.learningRate);
    }

    private void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new ParameterException(command.commandLine(), otherwise);
        }
    }

    /** How it is trained; a usage error if a value is out of range. */
    private TrainingPlan plan(int usualBatch, double usualRate) {
        try {
            return new TrainingPlan(
                    steps == null ? model.steps : steps,
                    batch == null ? usualBatch : batch,
                    learningRate == null ? usualRate : learningRate,
                    model.weightDecay,
                    seed);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(command.commandLine(), e.getMessage());
        }
    }

    /** Threads of matrix products: OMP_NUM_THREADS, which the launcher sets, else all processors. */
    private static int threads() {
        String wanted = System.getenv("OMP_NUM_THREADS");
        return wanted != null && wanted.matches("[1-9]\\d{0,3}")
                ? Integer.parseInt(wanted)
                : Runtime.getRuntime().availableProcessors();
    }

    private TrainingTask task(ModelFolder folder, FashionMnist images, Path cache) throws Exception {
        ModelFolder.Config config = folder.config();
        switch (model) {
            case TOKENIZER:
                return new TokenizerTask(images, config.tokenizer());
            case CLASSIFIER:
                return new ClassifierTask(images);
            default:
                VqTokenizer tokenizer = new VqTokenizer(config.tokenizer(), folder.weights("tokenizer"));
                Tensor tokens = TokenCache.read(cache, images, tokenizer);
                if (model == Model.TARGET) {
                    return new TargetTask(tokens, images.labels(), config.target());
                }
                Weights target = folder.weights("target");
                TargetForward forward = new TargetForward(config.target(), target, Precision.BF16, Placement.cpu());
                Tensor labels = images.labels();
                return new DrafterTask<>(
                        tokens,
                        i -> labels.select(0, i).item_int(),
                        new DecoderTarget<>(forward.decoder(), forward.classes(), false, 1),
                        new LlamaGenEagleForm(config.target(), config.drafter(), target));
        }
    }
}
