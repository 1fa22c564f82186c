package org.coolsd.models.llamagen;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.coolsd.Sampling;
import org.coolsd.decode.Drafter;
import org.coolsd.libtorch.Precision;
import org.coolsd.models.DrafterComponent;
import org.coolsd.models.ImageCodes;
import org.coolsd.models.LoadedTarget;
import org.coolsd.models.eagle.DrafterForward;
import org.coolsd.models.eagle.EagleComponent;
import org.coolsd.models.eagle.EagleModel;

/**
 * A GPT with its weights.
 *
 * @param <C> what a sequence is made from
 */
abstract class LoadedLlamaGen<C> implements LoadedTarget<C> {
    final TargetForward forward;
    private final Precision precision;
    private final List<DrafterForward> drafters = new ArrayList<>();

    LoadedLlamaGen(TargetForward forward, Precision precision) {
        this.forward = forward;
        this.precision = precision;
    }

    @Override
    public int length(C condition) {
        return forward.config().blockSize();
    }

    @Override
    public ImageCodes codes(C condition, int[] tokens) {
        int grid = forward.config().grid();
        return new ImageCodes(tokens, grid, grid);
    }

    @Override
    public int[] firstCodes(C condition, int[] tokens, int count) {
        return Arrays.copyOf(tokens, count);
    }

    /** As the official sampling scripts have it. */
    @Override
    public Sampling sampling() {
        return forward.config().captions()
                ? Sampling.of().guidance(7.5f).topK(1000)
                : Sampling.of().guidance(4).topK(2000);
    }

    @Override
    public Drafter<C> eagle(DrafterComponent drafter) throws IOException {
        if (!(drafter instanceof EagleComponent eagle)) {
            throw new IllegalArgumentException(drafter.files() + " is no EAGLE drafter for LlamaGen");
        }
        DrafterForward loaded = eagle.load(forward, precision);
        drafters.add(loaded);
        return new EagleModel<>(loaded);
    }

    @Override
    public void close() {
        // The target first: if a decoder has it, nothing is freed.
        forward.close();
        drafters.forEach(DrafterForward::close);
        drafters.clear();
    }
}
