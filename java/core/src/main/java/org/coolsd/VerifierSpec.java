package org.coolsd;

import java.util.Objects;

/**
 * What a verifier is made for.
 *
 * @param vocab vocabulary size V, 2..2^20
 * @param drafts relaxation factors and the longest draft
 * @param target how target logits become P
 * @param draft how draft logits become Q; must be what draft tokens were sampled with
 */
public record VerifierSpec(int vocab, Schedule.Drafts drafts, Sampling target, Sampling draft) {
    /** Checks that the parts fit each other. */
    public VerifierSpec {
        if (vocab < 2 || vocab > 1 << 20) {
            throw new IllegalArgumentException("vocab is " + vocab + ", it must be 2..1048576");
        }
        Objects.requireNonNull(drafts, "drafts");
        requireWindow("target", target, vocab);
        requireWindow("draft", draft, vocab);
    }

    private static void requireWindow(String name, Sampling sampling, int vocab) {
        if (sampling.windowTo() > vocab) {
            throw new IllegalArgumentException(name + ".window ends at " + sampling.windowTo() + ", vocab is " + vocab);
        }
    }

    /** The same sampling for target and draft. */
    public static VerifierSpec of(int vocab, Schedule.Drafts drafts, Sampling sampling) {
        return new VerifierSpec(vocab, drafts, sampling, sampling);
    }

    /** With another sampling for the draft. */
    public VerifierSpec draft(Sampling sampling) {
        return new VerifierSpec(vocab, drafts, target, sampling);
    }
}
