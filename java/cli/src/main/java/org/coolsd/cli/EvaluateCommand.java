package org.coolsd.cli;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.bytedeco.pytorch.Tensor;
import org.coolsd.Acceptance;
import org.coolsd.Sampling;
import org.coolsd.Schedule;
import org.coolsd.command.EngineOptions;
import org.coolsd.command.JsonOption;
import org.coolsd.command.Progress;
import org.coolsd.command.Version;
import org.coolsd.decode.Decoder;
import org.coolsd.decode.DecoderOptions;
import org.coolsd.decode.Drafter;
import org.coolsd.decode.Request;
import org.coolsd.decode.Result;
import org.coolsd.decode.Totals;
import org.coolsd.images.ImageFolder;
import org.coolsd.images.ImagePipeline;
import org.coolsd.images.ImageRun;
import org.coolsd.images.ModelFolder;
import org.coolsd.images.Picture;
import org.coolsd.libtorch.LibTorch;
import org.coolsd.libtorch.Precision;
import org.coolsd.libtorch.Tensors;
import org.coolsd.models.llamagen.LlamaGen;
import org.coolsd.models.vq.VqTokenizer;
import org.coolsd.training.TokenCache;
import org.coolsd.training.data.FashionMnist;
import org.coolsd.training.evaluation.Classifier;
import org.coolsd.training.evaluation.Evaluator;
import org.coolsd.training.evaluation.FrechetDistance;
import org.coolsd.training.evaluation.PermutationTest;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code coolsd evaluate}: every figure of a model card. */
@Command(
        name = "evaluate",
        description = "Measures a model folder on the test set and on images it makes.",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class)
final class EvaluateCommand implements Callable<Integer> {
    private static final int PERMUTATIONS = 999;

    @Option(names = "--model", paramLabel = "DIR", description = "model folder (default: ${DEFAULT-VALUE})")
    private Path model = ModelFolder.SHIPPED;

    @Option(names = "--data", paramLabel = "DIR", description = "folder of the IDX files (default: ${DEFAULT-VALUE})")
    private Path data = FashionMnist.DEBIAN;

    @Option(names = "--images", paramLabel = "N", description = "images per schedule (default: ${DEFAULT-VALUE})")
    private int count = 1000;

    @Option(names = "--seed", paramLabel = "S", description = "default: ${DEFAULT-VALUE}")
    private long seed = 0;

    @Mixin
    private EngineOptions engine;

    @Mixin
    private JsonOption json;

    private final Map<String, Object> figures = new LinkedHashMap<>();

    @Override
    public Integer call() throws Exception {
        engine.check();
        ModelFolder folder = ModelFolder.open(model);
        json.check();
        FashionMnist test = FashionMnist.test(data);
        LibTorch.load(1);
        ImageFolder models = ImageFolder.open(model);
        try (ImagePipeline<?> images = ImagePipeline.load(models, engine.precision(), engine.placement())) {
            evaluate(folder, images, test);
        } finally {
            json.write(figures);
        }
        return 0;
    }

    private <C> void evaluate(ModelFolder folder, ImagePipeline<C> images, FashionMnist test) throws Exception {
        ModelFolder.Config config = folder.config();
        Classifier classifier = folder.keep("classifier", Classifier::new);
        VqTokenizer tokenizer = folder.keep("tokenizer", w -> new VqTokenizer(config.tokenizer(), w));
        Tensor pictures = Evaluator.pictures(test);
        Tensor features = Evaluator.features(classifier, pictures);
        put("test.reconstructionPsnr", Evaluator.reconstruction(tokenizer, pictures));
        put("test.classifierAccuracy", Evaluator.accuracy(classifier, features, test.labels()));
        put(
                "test.negativeLogLikelihoodPerToken",
                Evaluator.negativeLogLikelihood(
                        folder.keep("target", w -> LlamaGen.forInference(config.target(), w, Precision.BF16)),
                        TokenCache.encode(test, tokenizer),
                        test.labels()));
        long half = test.size() / 2;
        Tensor reference = features.narrow(0, 0, half);
        put(
                "test.frechetDistanceFloor",
                FrechetDistance.between(reference, features.narrow(0, half, Math.min(count, half))));
        int classes = config.classes().size();
        Sampling sampling = Sampling.of().guidance(config.guidance());
        int[][] plain = null;
        int part = 0;
        for (Way<C> way : ways(images)) {
            // Seeds of different ways differ, so that the samples are independent.
            List<Request<C>> requests = images.inTurn(classes, 0, count, seed + part++ * 1_000_000L, sampling);
            ImageRun made = make(way, images, requests);
            int[][] tokens =
                    made.results().values().stream().map(Result::tokens).toArray(int[][]::new);
            Tensor found = Evaluator.features(classifier, pictures(images, requests, tokens));
            long[] labels = new long[count];
            Arrays.setAll(labels, i -> i % classes);
            put(way.name + ".recognised", Evaluator.accuracy(classifier, found, Tensors.of(labels, count)));
            put(way.name + ".frechetDistance", FrechetDistance.between(reference, found));
            if (plain == null) {
                plain = tokens;
            } else {
                int vocab = config.target().vocabSize();
                put(way.name + ".pValueAgainstPlain", PermutationTest.pValue(plain, tokens, vocab, PERMUTATIONS, seed));
            }
        }
    }

    /** A way of decoding. */
    private record Way<C>(String name, Drafter<C> drafter, DecoderOptions options) {}

    /** Plain sampling; everything that keeps its law, with every source of drafts; and COOL-SD, which does not. */
    private <C> List<Way<C>> ways(ImagePipeline<C> images) {
        DecoderOptions token = DecoderOptions.of(5).slots(engine.batch()).drift(true);
        DecoderOptions block = token.acceptance(Acceptance.block());
        Drafter<C> eagle = images.drafter();
        List<Way<C>> ways = List.of(
                new Way<>("plain", Drafter.none(), DecoderOptions.of(0).slots(engine.batch())),
                new Way<>("lossless", eagle, token),
                new Way<>("losslessBlock", eagle, block),
                new Way<>("losslessJacobi", Drafter.jacobi(), token),
                new Way<>("losslessJacobiBlock", Drafter.jacobi(), block),
                new Way<>("losslessCoupled", Drafter.coupled(), token),
                new Way<>("coolsd", eagle, token.schedule(Schedule.exponential(1.1))));
        // Drafts of the target's own keep their rows in host memory.
        return engine.onDevice()
                ? ways.stream()
                        .filter(way -> !way.name.contains("Jacobi") && !way.name.contains("Coupled"))
                        .toList()
                : ways;
    }

    /** Decodes images one way, and says what it took. */
    private <C> ImageRun make(Way<C> way, ImagePipeline<C> images, List<Request<C>> requests) {
        String name = way.name;
        boolean guided = requests.get(0).target().guidance() != 1;
        try (Decoder<C> decoder = images.decoder(guided, engine.threads(), way.drafter, way.options);
                Progress bar = Progress.of(
                        name, requests.stream().mapToLong(Request::length).sum())) {
            long start = System.nanoTime();
            ImageRun made = ImageRun.of(decoder, requests, bar::stepTo);
            double seconds = (System.nanoTime() - start) / 1e9;
            if (!made.failures().isEmpty()) {
                throw new IllegalStateException(made.failures().size() + " images could not be made; image "
                        + made.failures().firstKey() + ": "
                        + made.failures().get(made.failures().firstKey()));
            }
            Totals totals = made.totals();
            put(name + ".tokensPerSecond", totals.tokens() / seconds);
            put(name + ".acceptedLength", totals.acceptedLength());
            put(name + ".driftPerImage", totals.driftPerSequence());
            return made;
        }
    }

    /** The grey pictures as the classifier takes them: f32 [images, 1, height, width], -1..1. */
    private static <C> Tensor pictures(ImagePipeline<C> images, List<Request<C>> requests, int[][] tokens) {
        float[] values = {};
        long[] shape = new long[4];
        for (int i = 0; i < tokens.length; i++) {
            Picture picture = images.picture(requests.get(i).condition(), tokens[i]);
            int pixels = picture.levels().length;
            if (i == 0) {
                values = new float[tokens.length * pixels];
                shape = new long[] {tokens.length, 1, picture.height(), picture.width()};
            }
            for (int p = 0; p < pixels; p++) {
                values[i * pixels + p] = (picture.levels()[p] & 0xff) / 127.5f - 1;
            }
        }
        return Tensors.of(values, shape);
    }

    private void put(String name, double value) {
        figures.put(name, value);
        System.out.printf(Locale.ROOT, "%-36s %.4f%n", name, value);
    }
}
