package org.coolsd.onnxruntime;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.io.IOException;
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

/** Writes the shipped target and drafter as ONNX, and makes the tokens of images with ONNX Runtime. */
final class Example {
    private static final int IMAGES = 10;
    private static final LlamaGenShape SHAPE = LlamaGenShape.fashion();
    private static final Sampling SAMPLING = Sampling.of().guidance(2);

    private Example() {}

    /** @param args the model folder */
    public static void main(String[] args) throws IOException, OrtException {
        ModelWeights weights = ModelWeights.read(Path.of(args[0], "target.safetensors"));
        ModelWeights drafterWeights = ModelWeights.read(Path.of(args[0], "drafter.safetensors"));
        OrtEnvironment environment = OrtEnvironment.getEnvironment();
        try (OrtSession.SessionOptions options = new OrtSession.SessionOptions();
                OrtSession target = environment.createSession(LlamaGenOnnx.target(SHAPE, weights), options);
                OrtSession drafter =
                        environment.createSession(LlamaGenOnnx.drafter(SHAPE, drafterWeights, weights), options)) {
            OnnxTarget<Integer> model = target(environment, target);
            Drafter<Integer> eagle = OnnxEagle.of(environment, drafter);
            DecoderOptions lossless = DecoderOptions.of(4);
            decode("warm-up", model, eagle, lossless);
            decode("engine alone", model, Drafter.none(), lossless);
            decode("jacobi, lossless", model, Drafter.jacobi(), lossless);
            decode("jacobi, lossless, block", model, Drafter.jacobi(), lossless.acceptance(Acceptance.block()));
            decode("eagle, lossless", model, eagle, lossless);
            decode("eagle, lossless, block", model, eagle, lossless.acceptance(Acceptance.block()));
            decode(
                    "eagle, COOL-SD 1.1 clamped",
                    model,
                    eagle,
                    lossless.schedule(Schedule.exponential(1.1).clamped()));
            decode("engine alone, 5 at a time", model, Drafter.none(), lossless.slots(5));
            decode("eagle, lossless, 5 at a time", model, eagle, lossless.slots(5));
        }
    }

    /** The shipped target: a sequence is made from a class, and guided by the null class. */
    static OnnxTarget<Integer> target(OrtEnvironment environment, OrtSession session) {
        return OnnxTarget.<Integer>of(environment, session, label -> new int[] {SHAPE.classId(label)})
                .guided(label -> new int[] {SHAPE.classId(SHAPE.classes())});
    }

    private static void decode(
            String name, OnnxTarget<Integer> model, Drafter<Integer> drafter, DecoderOptions options) {
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
