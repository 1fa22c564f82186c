package org.coolsd.models.llamagen;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.coolsd.Sampling;
import org.coolsd.decode.Drafter;
import org.coolsd.decode.TargetModel;
import org.coolsd.libtorch.Precision;
import org.coolsd.models.DrafterComponent;
import org.coolsd.models.ImageCodes;
import org.coolsd.models.LoadedTarget;
import org.coolsd.models.Prompt;
import org.coolsd.models.eagle.DrafterForward;
import org.coolsd.models.eagle.EagleComponent;
import org.coolsd.models.eagle.EagleModel;

/** A class-conditional GPT with its weights. */
final class LoadedLlamaGen implements LoadedTarget<Integer> {
    private final TargetForward forward;
    private final Precision precision;
    private final List<DrafterForward> drafters = new ArrayList<>();

    LoadedLlamaGen(TargetForward forward, Precision precision) {
        this.forward = forward;
        this.precision = precision;
    }

    @Override
    public TargetModel<Integer> model(boolean guided, int threads) {
        return new LlamaGenTarget(forward, guided, threads);
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

    @Override
    public int length(Integer condition) {
        return forward.config().blockSize();
    }

    @Override
    public ImageCodes codes(Integer condition, int[] tokens) {
        int grid = forward.config().grid();
        return new ImageCodes(tokens, grid, grid);
    }

    /** As the official sampling script has it. */
    @Override
    public Sampling sampling() {
        return Sampling.of().guidance(4).topK(2000);
    }

    @Override
    public Drafter<Integer> eagle(DrafterComponent drafter) throws IOException {
        if (!(drafter instanceof EagleComponent eagle)) {
            throw new IllegalArgumentException(drafter.files() + " is no EAGLE drafter for LlamaGen");
        }
        DrafterForward loaded = eagle.load(forward, precision);
        drafters.add(loaded);
        return new EagleModel(loaded);
    }

    @Override
    public void close() {
        drafters.forEach(DrafterForward::close);
        drafters.clear();
        forward.close();
    }
}
