package org.coolsd.decode;

import org.coolsd.Logits;
import org.coolsd.Sampling;

/** Which branches of a session's logits a request reads. */
final class Guidance {
    private Guidance() {}

    /**
     * Those that {@code sampling} asks for: with guidance 1 the conditional one alone, so that a request without guidance has the
     * same tokens beside guided ones as in a session that has no second branch.
     */
    static Logits read(Sampling sampling, Logits logits) {
        return sampling.guidance() == 1 && logits.unconditional() != null ? logits.conditional() : logits;
    }
}
