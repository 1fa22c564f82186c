package org.coolsd.models.llamagen;

import org.coolsd.decode.TargetModel;
import org.coolsd.models.decoder.DecoderSession;
import org.coolsd.models.decoder.DecoderTarget;

/**
 * A class-conditional LlamaGen as a target of the decoding loop; a sequence is made from the label of its class.
 *
 * @param forward its weights, which stay the caller's
 * @param guided whether sequences have an unconditional branch: where guidance is other than 1
 * @param threads at least 1; two of them share the branches of one image, or the images of a batch
 */
public record LlamaGenTarget(TargetForward forward, boolean guided, int threads) implements TargetModel<Integer> {
    /** Checks the range. */
    public LlamaGenTarget {
        if (threads < 1) {
            throw new IllegalArgumentException("threads is " + threads + ", at least 1 is needed");
        }
    }

    @Override
    public int vocab() {
        return forward.config().vocabSize();
    }

    @Override
    public DecoderSession<Integer> open(int slots, int longestRun) {
        return new DecoderTarget<>(forward.decoder(), forward.classes(), guided, threads).open(slots, longestRun);
    }
}
