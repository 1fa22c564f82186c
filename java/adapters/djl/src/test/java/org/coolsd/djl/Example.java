package org.coolsd.djl;

import ai.djl.Model;
import ai.djl.ndarray.NDList;
import ai.djl.repository.zoo.ZooModel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.coolsd.Acceptance;
import org.coolsd.Sampling;
import org.coolsd.Schedule;
import org.coolsd.decode.Decoder;
import org.coolsd.decode.DecoderOptions;
import org.coolsd.decode.Drafter;
import org.coolsd.decode.Request;
import org.coolsd.decode.Result;
import org.coolsd.onnxmodels.LlamaGenOnnx;
import org.coolsd.onnxmodels.LlamaGenShape;
import org.coolsd.onnxmodels.ModelWeights;

/** Writes the shipped target as ONNX, and makes the tokens of images with DJL's engine of ONNX Runtime. */
final class Example {
    private static final int IMAGES = 5;
    private static final LlamaGenShape SHAPE = LlamaGenShape.fashion();
    private static final Sampling SAMPLING = Sampling.of().guidance(2);

    private Example() {}

    /** @param args the model folder */
    public static void main(String[] args) throws Exception {
        ModelWeights weights = ModelWeights.read(Path.of(args[0], "target.safetensors"));
        ModelWeights drafterWeights = ModelWeights.read(Path.of(args[0], "drafter.safetensors"));
        try (ZooModel<NDList, NDList> loaded = Models.load(LlamaGenOnnx.target(SHAPE, weights));
                ZooModel<NDList, NDList> drafter = Models.load(LlamaGenOnnx.drafter(SHAPE, drafterWeights, weights))) {
            DjlTarget<Integer> model = target(loaded);
            DecoderOptions lossless = DecoderOptions.of(4);
            decode("warm-up", model, Drafter.jacobi(), lossless);
            decode("engine alone", model, Drafter.none(), lossless);
            decode("jacobi, lossless", model, Drafter.jacobi(), lossless);
            decode("jacobi, lossless, block", model, Drafter.jacobi(), lossless.acceptance(Acceptance.block()));
            decode("eagle, lossless", model, DjlEagle.of(drafter, Models.drafter(SHAPE)), lossless);
            decode("coupled, COOL-SD 1.1", model, Drafter.coupled(), lossless.schedule(Schedule.exponential(1.1)));
        }
    }

    /** The shipped target: a sequence is made from a class, and guided by the null class. */
    static DjlTarget<Integer> target(Model model) {
        return DjlTarget.<Integer>of(model, Models.shape(SHAPE), label -> new int[] {SHAPE.classId(label)})
                .guided(label -> new int[] {SHAPE.classId(SHAPE.classes())})
                .copying();
    }

    private static void decode(
            String name, DjlTarget<Integer> model, Drafter<Integer> drafter, DecoderOptions options) {
        List<Request<Integer>> requests = new ArrayList<>();
        for (int image = 0; image < IMAGES; image++) {
            requests.add(Request.of(image % SHAPE.classes(), image, SAMPLING, SHAPE.tokens()));
        }
        try (Decoder<Integer> decoder = new Decoder<>(model, drafter, options)) {
            long start = System.nanoTime();
            List<Result> results = decoder.decode(requests);
            double millis = (System.nanoTime() - start) / 1e6 / IMAGES;
            int tokens = results.stream().mapToInt(r -> r.tokens().length).sum();
            double length = results.stream()
                    .mapToDouble(Result::acceptedLength)
                    .average()
                    .orElse(0);
            System.out.printf(
                    "%-30s %5d tokens, %4.2f tokens a pass, %4.0f ms an image%n", name, tokens, length, millis);
        }
    }
}
