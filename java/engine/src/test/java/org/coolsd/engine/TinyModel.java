package org.coolsd.engine;

import org.coolsd.Sampling;
import org.coolsd.Schedule;
import org.coolsd.engine.forward.DrafterForward;
import org.coolsd.engine.forward.Placement;
import org.coolsd.engine.forward.TargetForward;
import org.coolsd.engine.model.EagleConfig;
import org.coolsd.engine.model.LlamaGenConfig;
import org.coolsd.engine.model.Precision;

/** The tiny official checkpoints for decoding: random weights, 10 classes, 128 tokens. */
public record TinyModel(TargetForward target, DrafterForward drafter) {
    /** @param grid image side in tokens; the weights fit any */
    public static TinyModel load(int grid, Precision precision, Placement placement) throws Exception {
        LibTorch.load(1);
        Fixture gpt = Fixture.open("gpt-c2i");
        LlamaGenConfig c = gpt.config(LlamaGenConfig.class);
        LlamaGenConfig config = new LlamaGenConfig(
                c.dim(),
                c.layers(),
                c.heads(),
                c.multipleOf(),
                c.ropeBase(),
                c.normEps(),
                c.numClasses(),
                c.vocabSize(),
                c.conditions(),
                grid * grid);
        TargetForward target = new TargetForward(config, gpt.weights("model.pt"), precision, placement);
        Fixture eagle = Fixture.open("eagle-c2i");
        return new TinyModel(
                target,
                new DrafterForward(
                        eagle.config(EagleConfig.class), eagle.weights("pytorch_model.bin"), precision, target));
    }

    /** 16 tokens an image, f32. */
    public static TinyModel load() throws Exception {
        return load(4, Precision.F32, Placement.cpu());
    }

    public SpeculativeDecoder decoder(Schedule.Drafts schedule, Sampling sampling, DecoderOptions options) {
        return new SpeculativeDecoder(target, drafter, schedule, sampling, options);
    }

    public SpeculativeDecoder decoder(Schedule.Drafts schedule, Sampling sampling) {
        return decoder(schedule, sampling, DecoderOptions.of());
    }
}
