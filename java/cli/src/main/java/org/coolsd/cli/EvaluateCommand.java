package org.coolsd.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.bytedeco.pytorch.Tensor;
import org.coolsd.Sampling;
import org.coolsd.command.EngineOptions;
import org.coolsd.command.Progress;
import org.coolsd.command.Version;
import org.coolsd.images.ImageFolder;
import org.coolsd.images.ImagePipeline;
import org.coolsd.images.ModelFolder;
import org.coolsd.libtorch.LibTorch;
import org.coolsd.libtorch.Weights;
import org.coolsd.training.data.FashionMnist;
import org.coolsd.training.evaluation.Classifier;
import org.coolsd.training.evaluation.Evaluator;
import org.coolsd.training.sweep.Cell;
import org.coolsd.training.sweep.CellImages;
import org.coolsd.training.sweep.Claims;
import org.coolsd.training.sweep.Comparison;
import org.coolsd.training.sweep.Figures;
import org.coolsd.training.sweep.Method;
import org.coolsd.training.sweep.Plan;
import org.coolsd.training.sweep.Sweep;
import org.coolsd.training.sweep.SweepFiles;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code coolsd evaluate}: what docs/reproduction.md says, from images made every way. */
@Command(
        name = "evaluate",
        description =
                "Measures a model folder: accepted length and quality of every rule and schedule over its knob, with intervals,"
                        + " and the paper's claims. Run again, it goes on.",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class)
final class EvaluateCommand implements Callable<Integer> {
    /** Test pictures that --quick looks at. */
    private static final int QUICK_PICTURES = 500;

    private static final int QUICK_IMAGES = 20;

    @Option(names = "--model", paramLabel = "DIR", description = "model folder (default: ${DEFAULT-VALUE})")
    private Path model = ModelFolder.SHIPPED;

    @Option(
            names = "--weak-drafter",
            paramLabel = "DIR",
            description =
                    "folder of a second, weak drafter (default: DIR-weak beside the model folder DIR, where it is)")
    private Path weak;

    @Option(names = "--data", paramLabel = "DIR", description = "folder of the IDX files (default: ${DEFAULT-VALUE})")
    private Path data = FashionMnist.DEBIAN;

    @Option(
            names = "--output",
            paramLabel = "DIR",
            description = "where cells.csv, comparisons.csv, sweep.json, plots, and the images of each cell go"
                    + " (default: ${DEFAULT-VALUE})")
    private Path output = Path.of("evaluation");

    @Option(names = "--quick", description = "a few cells, one round, 500 test pictures: minutes")
    private boolean quick;

    @Option(
            names = "--images",
            paramLabel = "N",
            description =
                    "images of a cell in a round, a multiple of the number of classes; the target's own are four times"
                            + " as many (default: 40, with --quick 20)")
    private Integer count;

    @Option(
            names = "--rounds",
            paramLabel = "R",
            description =
                    "rounds, each of other seeds; a later one adds to those that are there (default: 5, with --quick 1)")
    private Integer rounds;

    @Option(
            names = "--cells",
            paramLabel = "REGEX",
            description = "only cells with such a name, such as 'exponential.*'; reference and target are always there")
    private String cells = ".*";

    @Option(
            names = "--samples",
            paramLabel = "B",
            description = "bootstrap samples that intervals are from, at least 2 (default: 200, with --quick 50)")
    private Integer samples;

    @Option(
            names = "--pictures",
            paramLabel = "N",
            description =
                    "test pictures, the first N, that the models themselves are measured on, half of them the reference"
                            + " of frechetToTestPictures; at least 4 (default: all, with --quick 500)")
    private Integer pictures;

    @Option(names = "--report", description = "make no image: sum up what is there")
    private boolean report;

    @Option(names = "--seed", paramLabel = "S", description = "default: ${DEFAULT-VALUE}")
    private long seed = 0;

    @Mixin
    private EngineOptions engine;

    @Spec
    private CommandSpec command;

    @Override
    public Integer call() throws Exception {
        engine.check();
        ModelFolder folder = ModelFolder.open(model);
        int classes = folder.config().classes().size();
        int number = count != null ? count : quick ? QUICK_IMAGES : 2 * QUICK_IMAGES;
        int times = rounds != null ? rounds : quick ? 1 : 5;
        engine.require(
                number >= 1 && number % classes == 0,
                "images is " + number + ", it must be a positive multiple of the " + classes + " classes");
        engine.require(times >= 1, "rounds is " + times + ", at least 1 is needed");
        int draws = samples != null ? samples : quick ? 50 : 200;
        engine.require(draws >= 2, "samples is " + draws + ", at least 2 are needed");
        SweepModels models = new SweepModels(folder, weak != null ? Optional.of(weak) : SweepModels.weakBeside(model));
        List<Cell> wanted = wanted(models.weak().isPresent());
        FashionMnist all = FashionMnist.test(data);
        long shown = pictures != null ? pictures : quick ? QUICK_PICTURES : all.size();
        engine.require(shown >= 4, "pictures is " + shown + ", at least 4 are needed");
        FashionMnist test = all.first(Math.min(all.size(), shown));
        Files.createDirectories(output);
        LibTorch.load(1);
        try (ImagePipeline<?> images =
                        ImagePipeline.load(ImageFolder.open(model), engine.precision(), engine.placement());
                Weights weights = folder.weights("classifier")) {
            evaluate(models, images, new Classifier(weights), test, wanted, number, times, draws);
        }
        return 0;
    }

    /**
     * The cells to make; a usage error if there is none.
     *
     * @param second whether there is a weak drafter
     */
    private List<Cell> wanted(boolean second) {
        Pattern pattern;
        try {
            pattern = Pattern.compile(cells);
        } catch (PatternSyntaxException e) {
            throw new ParameterException(
                    command.commandLine(), "--cells is no regular expression: " + e.getDescription());
        }
        List<Cell> wanted = (quick ? Plan.quick(second) : Plan.full(second))
                .stream()
                        .filter(cell -> cell.method().compareTo(Method.TARGET) <= 0
                                || pattern.matcher(cell.name()).matches())
                        // Drafts of the target's own keep their rows in host memory.
                        .filter(cell -> !engine.onDevice()
                                || cell.drafts() != Cell.Source.JACOBI && cell.drafts() != Cell.Source.COUPLED)
                        .toList();
        engine.require(wanted.size() > 2, "no cell is called '" + cells + "'");
        return wanted;
    }

    private <C> void evaluate(
            SweepModels models,
            ImagePipeline<C> images,
            Classifier classifier,
            FashionMnist test,
            List<Cell> wanted,
            int number,
            int times,
            int draws)
            throws IOException {
        ModelFolder.Config config = models.folder().config();
        Sampling sampling = Sampling.of().guidance(config.guidance());
        Sweep<C> sweep = new Sweep<>(
                images,
                models.weakDrafter(images),
                models.weakChecksum(),
                classifier,
                models.neighbours(),
                sampling,
                config.classes().size(),
                engine.batch(),
                engine.threads(),
                models.checksum() + ", guidance " + sampling.guidance() + ", seed " + seed + ", " + engine.precision(),
                seed,
                number,
                output.resolve("cells"));
        if (!report) {
            try (Progress bar = Progress.of("cells", (long) wanted.size() * times)) {
                sweep.run(wanted, times, (cell, round, done, all) -> {
                    bar.stepTo(done);
                    bar.message(cell.name());
                });
            }
        }
        Map<Cell, CellImages> found = sweep.found(wanted, times);
        CellImages reference = found.get(wanted.get(0));
        if (reference == null) {
            throw new IOException(output.resolve("cells") + ": no images of the target in it; run without --report");
        }
        Tensor features = Evaluator.features(classifier, Evaluator.pictures(test));
        Map<String, Object> run = new LinkedHashMap<>();
        run.put("imagesPerCellAndRound", number);
        run.put("rounds", times);
        run.put("bootstrapSamples", draws);
        run.put("seed", seed);
        run.put("engine", engine.toString());
        run.put("guidance", config.guidance());
        run.put("model", models.card(output.resolve("cells").resolve("card.json"), test, classifier, features));
        Map<Cell, Figures> figures = new LinkedHashMap<>();
        int vocab = config.target().vocabSize();
        try (Figures.Reference compared =
                        new Figures.Reference(reference, vocab, features.narrow(0, 0, features.size(0) / 2));
                Progress bar = Progress.of("figures", found.size())) {
            found.forEach((cell, made) -> {
                figures.put(cell, Figures.of(cell, made, compared, draws));
                bar.stepBy(1);
            });
        }
        List<Comparison> comparisons = Claims.of(figures, found, vocab);
        SweepFiles.write(output, run, figures.values(), comparisons);
        SweepPlots.write(output, figures.values());
        SweepTables.print(figures, comparisons);
    }
}
