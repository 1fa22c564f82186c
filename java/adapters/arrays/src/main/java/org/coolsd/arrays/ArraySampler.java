package org.coolsd.arrays;

import org.coolsd.Backend;
import org.coolsd.Logits;
import org.coolsd.LogitsBuffer;
import org.coolsd.Purpose;
import org.coolsd.Sampling;
import org.coolsd.Schedule;
import org.coolsd.Verifier;
import org.coolsd.VerifierSpec;

/**
 * Samples tokens from logits in arrays: what an engine calls instead of its own sampler. The token depends on the seed, the
 * position and the logits, on nothing else. Calls allocate nothing; one thread at a time.
 */
public final class ArraySampler implements AutoCloseable {
    private final Verifier verifier;
    private final LogitsBuffer plain;
    private final LogitsBuffer guided;

    /**
     * @param vocab vocabulary size, the length of the arrays
     * @throws org.coolsd.CoolsdException if the native library cannot be loaded
     */
    public ArraySampler(int vocab, Sampling sampling) {
        VerifierSpec spec = VerifierSpec.of(vocab, Schedule.lossless().draftLength(0), sampling);
        verifier = Verifier.open(Backend.cpu(), spec);
        plain = LogitsBuffer.of(Logits.Type.F32, 1, vocab);
        guided = LogitsBuffer.guided(Logits.Type.F32, 1, vocab);
    }

    /**
     * The token at {@code position}.
     *
     * @param logits [vocab]
     * @throws org.coolsd.CoolsdException if a logit is NaN or +inf
     */
    public int sample(float[] logits, long seed, long position) {
        plain.put(0, logits);
        return verifier.sample(plain.logits(1), Purpose.BONUS, seed, position);
    }

    /** Likewise with classifier-free guidance. */
    public int sample(float[] conditional, float[] unconditional, long seed, long position) {
        guided.put(0, conditional);
        guided.putUnconditional(0, unconditional, 0);
        return verifier.sample(guided.logits(1), Purpose.BONUS, seed, position);
    }

    @Override
    public void close() {
        verifier.close();
        plain.close();
        guided.close();
    }
}
