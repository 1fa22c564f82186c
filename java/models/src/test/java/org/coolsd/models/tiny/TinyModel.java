package org.coolsd.models.tiny;

import java.util.HashMap;
import java.util.Map;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.coolsd.libtorch.LibTorch;
import org.coolsd.libtorch.Placement;
import org.coolsd.libtorch.Precision;
import org.coolsd.libtorch.Weights;
import org.coolsd.models.eagle.DrafterForward;
import org.coolsd.models.eagle.EagleConfig;
import org.coolsd.models.llamagen.LlamaGenConfig;
import org.coolsd.models.llamagen.TargetForward;

/** The tiny official checkpoints for decoding: random weights, 10 classes, 128 tokens. */
public record TinyModel(TargetForward target, DrafterForward drafter) {
    /** @param grid image side in tokens; the weights fit any */
    public static TinyModel load(int grid, Precision precision, Placement placement) throws Exception {
        LibTorch.load(1);
        Fixture gpt = Fixture.open("gpt-c2i");
        LlamaGenConfig c = gpt.config(LlamaGenConfig.class);
        LlamaGenConfig config = c.withGrid(grid);
        TargetForward target = new TargetForward(config, gpt.weights("model.pt"), precision, placement);
        Fixture eagle = Fixture.open("eagle-c2i");
        return new TinyModel(
                target,
                new DrafterForward(
                        eagle.config(EagleConfig.class), eagle.weights("pytorch_model.bin"), precision, target));
    }

    /** 16 tokens an image, f32; the target reads NaN where it reads token {@code token}. */
    public static TinyModel withNanToken(int token) throws Exception {
        Fixture gpt = Fixture.open("gpt-c2i");
        Weights weights = gpt.weights("model.pt");
        Tensor broken = weights.get("tok_embeddings.weight", 128, 64).clone();
        broken.narrow(0, token, 1).fill_(new Scalar(Double.NaN));
        Map<String, Tensor> all = new HashMap<>(weights.tensors());
        all.put("tok_embeddings.weight", broken);
        TargetForward target =
                new TargetForward(gpt.config(LlamaGenConfig.class), new Weights(all), Precision.F32, Placement.cpu());
        Fixture eagle = Fixture.open("eagle-c2i");
        return new TinyModel(
                target,
                new DrafterForward(
                        eagle.config(EagleConfig.class), eagle.weights("pytorch_model.bin"), Precision.F32, target));
    }

    /** 16 tokens an image, f32. */
    public static TinyModel load() throws Exception {
        return load(4, Precision.F32, Placement.cpu());
    }
}
