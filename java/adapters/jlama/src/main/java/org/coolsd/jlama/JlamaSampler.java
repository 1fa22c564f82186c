package org.coolsd.jlama;

import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.tensor.AbstractTensor;
import org.coolsd.Backend;
import org.coolsd.Purpose;
import org.coolsd.Sampling;
import org.coolsd.Schedule;
import org.coolsd.Verifier;
import org.coolsd.VerifierSpec;

/**
 * Samples tokens in the place of {@link AbstractModel#sample}: with window, top-k and top-p, and a token that depends on the
 * seed, the position and the logits, on nothing else. The logits are read where Jlama wrote them. One thread at a time.
 */
public final class JlamaSampler implements AutoCloseable {
    private final Verifier verifier;
    private final LogitsRows rows;

    /**
     * @param model whose tokens are sampled
     * @throws org.coolsd.CoolsdException if the native library cannot be loaded
     */
    public JlamaSampler(AbstractModel model, Sampling sampling) {
        rows = new LogitsRows(model, 1, 1);
        VerifierSpec spec = VerifierSpec.of(
                model.getConfig().vocabularySize, Schedule.lossless().draftLength(0), sampling);
        verifier = Verifier.open(Backend.cpu(), spec);
    }

    /**
     * The token at {@code position}.
     *
     * @param output what the last layer gave, [1, embedding]: what {@link AbstractModel#sample} takes
     * @throws org.coolsd.CoolsdException if a logit is NaN or +inf
     */
    public int sample(AbstractTensor<?, ?> output, long seed, long position) {
        rows.fill(0, 0, output);
        return verifier.sample(rows.view(0, 0, 1), Purpose.BONUS, seed, position);
    }

    @Override
    public void close() {
        verifier.close();
    }
}
