package org.coolsd.onnxruntime;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.io.IOException;
import java.nio.file.Path;
import org.coolsd.Acceptance;
import org.coolsd.Schedule;
import org.coolsd.decode.DecoderOptions;
import org.coolsd.decode.Drafter;
import org.coolsd.onnxmodels.ExampleTable;
import org.coolsd.onnxmodels.LlamaGenOnnx;
import org.coolsd.onnxmodels.LlamaGenShape;
import org.coolsd.onnxmodels.ModelWeights;

/** Writes the shipped target and drafter as ONNX, and makes the tokens of images with ONNX Runtime. */
final class Example {
    private static final int IMAGES = 10;
    private static final LlamaGenShape SHAPE = LlamaGenShape.fashion();

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
            ExampleTable table = new ExampleTable(target(environment, target), IMAGES);
            Drafter<Integer> eagle = OnnxEagle.of(environment, drafter);
            DecoderOptions lossless = DecoderOptions.of(4);
            table.line("warm-up", eagle, lossless);
            table.line("engine alone", Drafter.none(), lossless);
            table.line("jacobi, lossless", Drafter.jacobi(), lossless);
            table.line("jacobi, lossless, block", Drafter.jacobi(), lossless.acceptance(Acceptance.block()));
            table.line("eagle, lossless", eagle, lossless);
            table.line("eagle, lossless, block", eagle, lossless.acceptance(Acceptance.block()));
            table.line(
                    "eagle, COOL-SD 1.1 clamped",
                    eagle,
                    lossless.schedule(Schedule.exponential(1.1).clamped()));
            table.line("engine alone, 5 at a time", Drafter.none(), lossless.slots(5));
            table.line("eagle, lossless, 5 at a time", eagle, lossless.slots(5));
        }
    }

    /** The shipped target: a sequence is made from a class, and guided by the null class. */
    static OnnxTarget<Integer> target(OrtEnvironment environment, OrtSession session) {
        return OnnxTarget.<Integer>of(environment, session, label -> new int[] {SHAPE.classId(label)})
                .guided(label -> new int[] {SHAPE.classId(SHAPE.classes())});
    }
}
