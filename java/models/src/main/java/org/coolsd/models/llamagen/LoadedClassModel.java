package org.coolsd.models.llamagen;

import org.coolsd.decode.TargetModel;
import org.coolsd.libtorch.Precision;
import org.coolsd.models.Prompt;
import org.coolsd.models.decoder.DecoderTarget;

/** A class-conditional GPT with its weights. */
final class LoadedClassModel extends LoadedLlamaGen<Integer> {
    LoadedClassModel(TargetForward forward, Precision precision) {
        super(forward, precision);
    }

    @Override
    public TargetModel<Integer> model(boolean guided, int threads) {
        return new DecoderTarget<>(forward.decoder(), forward.classes(), guided, threads);
    }

    @Override
    public Integer condition(Prompt prompt) {
        if (!(prompt instanceof Prompt.Label label)) {
            throw new IllegalArgumentException("this model makes images of a class: use --class");
        }
        if (label.index() < 0 || label.index() >= forward.config().numClasses()) {
            throw new IllegalArgumentException("class is " + label.index() + ", it must be 0.."
                    + (forward.config().numClasses() - 1));
        }
        return label.index();
    }

    @Override
    public int classes() {
        return forward.config().numClasses();
    }
}
