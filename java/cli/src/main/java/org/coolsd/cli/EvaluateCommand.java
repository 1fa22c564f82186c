package org.coolsd.cli;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.bytedeco.pytorch.Tensor;
import org.coolsd.Sampling;
import org.coolsd.Schedule;
import org.coolsd.command.DraftOptions;
import org.coolsd.command.EngineOptions;
import org.coolsd.command.JsonOption;
import org.coolsd.command.Progress;
import org.coolsd.command.Version;
import org.coolsd.decode.DecoderOptions;
import org.coolsd.decode.Drafter;
import org.coolsd.images.ImageDecoder;
import org.coolsd.images.ImageModel;
import org.coolsd.images.ImageRequest;
import org.coolsd.images.Images;
import org.coolsd.images.ModelFolder;
import org.coolsd.images.Picture;
import org.coolsd.libtorch.LibTorch;
import org.coolsd.libtorch.Precision;
import org.coolsd.libtorch.Tensors;
import org.coolsd.models.llamagen.LlamaGen;
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
    private DraftOptions drafts;

    @Mixin
    private EngineOptions engine;

    @Mixin
    private JsonOption json;

    private final Map<String, Object> figures = new LinkedHashMap<>();

    @Override
    public Integer call() throws Exception {
        engine.check();
        int length = drafts.length();
        engine.require(
                length >= 1 && length <= 64,
                "drafts are compared with plain sampling: --drafter must not be none," + " and --draft-length is "
                        + length + ", it must be 1..64");
        ModelFolder folder = ModelFolder.open(model);
        json.check();
        FashionMnist test = FashionMnist.test(data);
        LibTorch.load(1);
        ImageModel images = ImageModel.load(folder, engine.precision(), engine.placement());
        ModelFolder.Config config = folder.config();
        Classifier classifier = folder.keep("classifier", Classifier::new);
        Tensor pictures = Evaluator.pictures(test);
        Tensor features = Evaluator.features(classifier, pictures);
        put("test.reconstructionPsnr", Evaluator.reconstruction(images.tokenizer(), pictures));
        put("test.classifierAccuracy", Evaluator.accuracy(classifier, features, test.labels()));
        put(
                "test.negativeLogLikelihoodPerToken",
                Evaluator.negativeLogLikelihood(
                        folder.keep("target", w -> LlamaGen.forInference(config.target(), w, Precision.BF16)),
                        TokenCache.encode(test, images.tokenizer()),
                        test.labels()));
        long half = test.size() / 2;
        Tensor reference = features.narrow(0, 0, half);
        put(
                "test.frechetDistanceFloor",
                FrechetDistance.between(reference, features.narrow(0, half, Math.min(count, half))));
        int[][] plain = sample("plain", Schedule.lossless(), 0, 0, images, classifier, reference);
        int[][] lossless = sample("lossless", Schedule.lossless(), length, 1, images, classifier, reference);
        int[][] coolsd = sample("coolsd", Schedule.exponential(1.1), length, 2, images, classifier, reference);
        int vocab = folder.config().target().vocabSize();
        put("plainAgainstLossless.pValue", PermutationTest.pValue(plain, lossless, vocab, PERMUTATIONS, seed));
        put("plainAgainstCoolsd.pValue", PermutationTest.pValue(plain, coolsd, vocab, PERMUTATIONS, seed));
        json.write(figures);
        return 0;
    }

    /** Makes images, the classes in turn, evaluates them, and returns their tokens. */
    private int[][] sample(
            String name,
            Schedule schedule,
            int length,
            int part,
            ImageModel images,
            Classifier classifier,
            Tensor reference)
            throws Exception {
        ModelFolder.Config config = images.folder().config();
        int classes = config.classes().size();
        int[][] tokens = new int[count][];
        long[] labels = new long[count];
        long start = System.nanoTime();
        Sampling sampling = Sampling.of().guidance(config.guidance());
        DecoderOptions options = DecoderOptions.of(length).schedule(schedule).drift(true);
        Drafter<Integer> drafter = length == 0 ? Drafter.none() : drafts.drafter(images);
        try (ImageDecoder decoder = engine.decoder(images, drafter, sampling, options);
                Progress bar = Progress.of(name, count)) {
            // Seeds of different parts differ, so that the samples are independent.
            List<ImageRequest> requests = ImageRequest.inTurn(classes, 0, count, seed + (long) part * 1_000_000);
            Arrays.setAll(labels, i -> requests.get(i).label());
            int total = config.target().blockSize();
            Images made = decoder.decode(requests, (position, token) -> bar.stepBy(position == total - 1 ? 1 : 0));
            if (!made.failures().isEmpty()) {
                int first = made.failures().firstKey();
                throw new IllegalStateException(
                        made.failures().size() + " of " + count + " images failed, the first: image " + first + ": "
                                + made.failures().get(first));
            }
            made.tokens().toArray(tokens);
            double seconds = (System.nanoTime() - start) / 1e9;
            put(name + ".tokensPerSecond", made.tokenCount() / seconds);
            put(name + ".acceptedLength", made.acceptedLength());
            put(name + ".driftPerImage", made.driftPerImage());
        }
        float[] values = null;
        long[] shape = new long[4];
        for (int i = 0; i < count; i++) {
            Picture picture = images.picture(tokens[i]);
            int pixels = picture.grey().length;
            if (values == null) {
                values = new float[count * pixels];
                shape = new long[] {count, 1, picture.height(), picture.width()};
            }
            for (int p = 0; p < pixels; p++) {
                values[i * pixels + p] = (picture.grey()[p] & 0xff) / 127.5f - 1;
            }
        }
        Tensor features = Evaluator.features(classifier, Tensors.of(values, shape));
        put(name + ".recognised", Evaluator.accuracy(classifier, features, Tensors.of(labels, count)));
        put(name + ".frechetDistance", FrechetDistance.between(reference, features));
        return tokens;
    }

    private void put(String name, double value) {
        figures.put(name, value);
        System.out.printf(Locale.ROOT, "%-36s %.4f%n", name, value);
    }
}
