package org.coolsd.djl;

import ai.djl.Model;
import ai.djl.ndarray.NDList;
import ai.djl.repository.zoo.ZooModel;
import java.nio.file.Path;
import org.coolsd.Acceptance;
import org.coolsd.Schedule;
import org.coolsd.decode.DecoderOptions;
import org.coolsd.decode.Drafter;
import org.coolsd.onnxmodels.ExampleTable;
import org.coolsd.onnxmodels.LlamaGenOnnx;
import org.coolsd.onnxmodels.LlamaGenShape;
import org.coolsd.onnxmodels.ModelWeights;

/** Writes the shipped target as ONNX, and makes the tokens of images with DJL's engine of ONNX Runtime. */
final class Example {
    private static final int IMAGES = 5;
    private static final LlamaGenShape SHAPE = LlamaGenShape.fashion();

    private Example() {}

    /** @param args the model folder */
    public static void main(String[] args) throws Exception {
        ModelWeights weights = ModelWeights.read(Path.of(args[0], "target.safetensors"));
        ModelWeights drafterWeights = ModelWeights.read(Path.of(args[0], "drafter.safetensors"));
        try (ZooModel<NDList, NDList> loaded = Models.load(LlamaGenOnnx.target(SHAPE, weights));
                ZooModel<NDList, NDList> drafter = Models.load(LlamaGenOnnx.drafter(SHAPE, drafterWeights, weights))) {
            ExampleTable table = new ExampleTable(target(loaded), IMAGES);
            DecoderOptions lossless = DecoderOptions.of(4);
            table.line("warm-up", Drafter.jacobi(), lossless);
            table.line("engine alone", Drafter.none(), lossless);
            table.line("jacobi, lossless", Drafter.jacobi(), lossless);
            table.line("jacobi, lossless, block", Drafter.jacobi(), lossless.acceptance(Acceptance.block()));
            table.line("eagle, lossless", DjlEagle.of(drafter, Models.drafter(SHAPE)), lossless);
            table.line("coupled, COOL-SD 1.1", Drafter.coupled(), lossless.schedule(Schedule.exponential(1.1)));
        }
    }

    /** The shipped target: a sequence is made from a class, and guided by the null class. */
    static DjlTarget<Integer> target(Model model) {
        return guided(model, SHAPE);
    }

    static DjlTarget<Integer> guided(Model model, LlamaGenShape shape) {
        return DjlTarget.<Integer>of(model, Models.shape(shape), label -> new int[] {shape.classId(label)})
                .guided(label -> new int[] {shape.classId(shape.classes())})
                .copying();
    }
}
