package org.coolsd.models.decoder;

import org.coolsd.decode.TargetModel;

/**
 * A decoder as a target of the decoding loop.
 *
 * @param forward its weights, which stay the caller's
 * @param conditioning what sequences begin with
 * @param guided whether sequences have an unconditional branch: where guidance is other than 1
 * @param threads at least 1; two of them share the branches of one image, or the images of a batch
 * @param <C> what a sequence is made from
 */
public record DecoderTarget<C>(DecoderForward forward, Conditioning<C> conditioning, boolean guided, int threads)
        implements TargetModel<C> {
    /** Checks the range. */
    public DecoderTarget {
        if (threads < 1) {
            throw new IllegalArgumentException("threads is " + threads + ", at least 1 is needed");
        }
    }

    @Override
    public int vocab() {
        return forward.vocab();
    }

    @Override
    public DecoderSession<C> open(int slots, int longestRun) {
        return new DecoderSession<>(this, slots, longestRun);
    }
}
