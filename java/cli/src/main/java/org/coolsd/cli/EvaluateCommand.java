package org.coolsd.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.zip.CRC32;
import org.bytedeco.pytorch.Tensor;
import org.coolsd.NeighbourTable;
import org.coolsd.Sampling;
import org.coolsd.command.EngineOptions;
import org.coolsd.command.Progress;
import org.coolsd.command.Version;
import org.coolsd.decode.Drafter;
import org.coolsd.images.Drafts;
import org.coolsd.images.ImageFolder;
import org.coolsd.images.ImagePipeline;
import org.coolsd.images.ModelFolder;
import org.coolsd.libtorch.LibTorch;
import org.coolsd.libtorch.Weights;
import org.coolsd.models.vq.VqTokenizer;
import org.coolsd.training.data.FashionMnist;
import org.coolsd.training.evaluation.Classifier;
import org.coolsd.training.evaluation.Evaluator;
import org.coolsd.training.sweep.Cell;
import org.coolsd.training.sweep.CellImages;
import org.coolsd.training.sweep.Claims;
import org.coolsd.training.sweep.Comparison;
import org.coolsd.training.sweep.Figures;
import org.coolsd.training.sweep.Method;
import org.coolsd.training.sweep.Metric;
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

    /** A neighbour in so many tokens, as LANTERN's 1000 of 16384. */
    private static final int NEIGHBOUR_SHARE = 16;

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
        List<Cell> wanted = wanted();
        FashionMnist all = FashionMnist.test(data);
        FashionMnist test = quick ? all.first(Math.min(all.size(), QUICK_PICTURES)) : all;
        Files.createDirectories(output);
        LibTorch.load(1);
        try (ImagePipeline<?> images =
                        ImagePipeline.load(ImageFolder.open(model), engine.precision(), engine.placement());
                Weights weights = folder.weights("classifier")) {
            evaluate(folder, images, new Classifier(weights), test, wanted, number, times, draws);
        }
        return 0;
    }

    /** The cells to make; a usage error if there is none. */
    private List<Cell> wanted() {
        Pattern pattern;
        try {
            pattern = Pattern.compile(cells);
        } catch (PatternSyntaxException e) {
            throw new ParameterException(
                    command.commandLine(), "--cells is no regular expression: " + e.getDescription());
        }
        boolean second = weakFolder() != null;
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

    private Path weakFolder() {
        if (weak != null) {
            return weak;
        }
        Path beside = model.resolveSibling(model.getFileName() + "-weak");
        return Files.exists(beside.resolve("config.json")) ? beside : null;
    }

    private <C> void evaluate(
            ModelFolder folder,
            ImagePipeline<C> images,
            Classifier classifier,
            FashionMnist test,
            List<Cell> wanted,
            int number,
            int times,
            int draws)
            throws IOException {
        Tensor features = Evaluator.features(classifier, Evaluator.pictures(test));
        Map<String, Object> run = new LinkedHashMap<>();
        run.put("imagesPerCellAndRound", number);
        run.put("rounds", times);
        run.put("bootstrapSamples", draws);
        run.put("seed", seed);
        run.put("engine", engine.toString());
        run.put("guidance", folder.config().guidance());
        run.put("model", card(folder, test, classifier, features));
        Sweep<C> sweep = new Sweep<>(
                images,
                weakDrafter(images),
                weakFolder() == null ? "" : checksum(List.of(weakFolder().resolve("model.safetensors"))),
                classifier,
                neighbours(folder),
                Sampling.of().guidance(folder.config().guidance()),
                folder.config().classes().size(),
                engine.batch(),
                engine.threads(),
                fingerprint(folder),
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
        Map<Cell, Figures> figures = new LinkedHashMap<>();
        int vocab = folder.config().target().vocabSize();
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
        print(figures, comparisons);
    }

    /** The figures that need no image, kept in card.json. */
    private Map<?, ?> card(ModelFolder folder, FashionMnist test, Classifier classifier, Tensor features)
            throws IOException {
        Path file = output.resolve("cells").resolve("card.json");
        ObjectMapper json = new ObjectMapper();
        if (Files.exists(file)) {
            Map<?, ?> kept = json.readValue(Files.readAllBytes(file), Map.class);
            if (fingerprint(folder).equals(kept.get("models"))
                    && ((Number) kept.get("test.pictures")).longValue() == test.size()) {
                return kept;
            }
        }
        Map<String, Object> made = ModelCard.of(folder, test, classifier, features);
        made.put("models", fingerprint(folder));
        Files.createDirectories(file.getParent());
        byte[] bytes = json.writeValueAsBytes(made);
        org.coolsd.checkpoint.AtomicFile.write(file, out -> out.write(bytes));
        return made;
    }

    private <C> Drafter<C> weakDrafter(ImagePipeline<C> images) throws IOException {
        Path second = weakFolder();
        return second == null
                ? Drafter.none()
                : images.target()
                        .eagle(ImageFolder.open(model)
                                .with(new Drafts.Eagle(second))
                                .drafter()
                                .orElseThrow());
    }

    private static NeighbourTable neighbours(ModelFolder folder) throws IOException {
        try (Weights weights = folder.weights("tokenizer")) {
            float[][] book = Sweep.rows(new VqTokenizer(folder.config().tokenizer(), weights).codebook());
            int d = book[0].length;
            float[] all = new float[book.length * d];
            for (int i = 0; i < book.length; i++) {
                System.arraycopy(book[i], 0, all, i * d, d);
            }
            return NeighbourTable.nearest(all, d, Math.max(1, book.length / NEIGHBOUR_SHARE));
        }
    }

    /** What tells these models, and how they are sampled from, from others. */
    private String fingerprint(ModelFolder folder) throws IOException {
        List<Path> files = new ArrayList<>();
        for (String name : List.of("target", "drafter", "tokenizer", "classifier")) {
            files.add(folder.file(name));
        }
        return checksum(files) + ", guidance " + folder.config().guidance() + ", seed " + seed + ", "
                + engine.precision();
    }

    private static String checksum(List<Path> files) throws IOException {
        CRC32 sum = new CRC32();
        for (Path file : files) {
            sum.update(Files.readAllBytes(file));
        }
        return Long.toHexString(sum.getValue());
    }

    private static void print(Map<Cell, Figures> figures, List<Comparison> comparisons) {
        System.out.println("| cell | images | accepted length | drift | Frechet to target | log-likelihood |");
        System.out.println("|---|---:|---:|---:|---:|---:|");
        figures.forEach((cell, f) -> System.out.printf(
                Locale.ROOT,
                "| %s | %d | %s | %s | %s | %s |%n",
                cell.name(),
                f.images(),
                text(f, Metric.ACCEPTED_LENGTH),
                text(f, Metric.DRIFT),
                text(f, Metric.FRECHET),
                text(f, Metric.LOG_PROB)));
        System.out.println();
        System.out.println("| claim | what | metric | at | difference | p |");
        System.out.println("|---:|---|---|---|---:|---:|");
        comparisons.forEach(c -> System.out.printf(
                Locale.ROOT,
                "| %d | %s | %s | %s | %.3f ± %.3f | %.3g |%n",
                c.claim(),
                c.what(),
                c.metric(),
                c.at(),
                c.difference().value(),
                c.difference().half(),
                c.pValue()));
    }

    private static String text(Figures figures, Metric metric) {
        return figures.has(metric)
                ? String.format(
                        Locale.ROOT,
                        "%.3f ± %.3f",
                        figures.get(metric).value(),
                        figures.get(metric).half())
                : "";
    }
}
