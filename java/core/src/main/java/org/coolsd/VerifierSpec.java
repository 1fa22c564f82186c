package org.coolsd;

import java.util.Objects;
import java.util.Set;

/**
 * What a verifier is made for. Immutable; every method returns a changed copy.
 *
 * @param vocab vocabulary size V, 2..2^20
 * @param drafts relaxation factors and the longest draft
 * @param target how target logits become P
 * @param draft how draft logits become Q; must be what draft tokens were sampled with
 * @param lantern LANTERN's acceptance instead of omega's, or null
 * @param reports what verdicts carry beside the tokens
 */
public record VerifierSpec(
        int vocab, Schedule.Drafts drafts, Sampling target, Sampling draft, Lantern lantern, Set<Report> reports) {
    /** Figures that cost extra passes over the rows of visited positions. */
    public enum Report {
        /** D = TV(Phat, P) of every visited position. */
        DRIFT,
        /** P/Phat of every emitted token. */
        RATIO,
        /** log P of every emitted token. */
        LOG_PROB
    }

    /** Checks that the parts fit each other. */
    public VerifierSpec {
        if (vocab < 2 || vocab > 1 << 20) {
            throw new IllegalArgumentException("vocab is " + vocab + ", it must be 2..1048576");
        }
        Objects.requireNonNull(drafts, "drafts");
        requireWindow("target", target, vocab);
        requireWindow("draft", draft, vocab);
        if (lantern != null && lantern.table().vocab() != vocab) {
            throw new IllegalArgumentException(
                    "lantern.table is for a vocabulary of " + lantern.table().vocab() + ", vocab is " + vocab);
        }
        reports = Set.copyOf(reports);
    }

    private static void requireWindow(String name, Sampling sampling, int vocab) {
        if (sampling.windowTo() > vocab) {
            throw new IllegalArgumentException(name + ".window ends at " + sampling.windowTo() + ", vocab is " + vocab);
        }
    }

    /** The same sampling for target and draft. */
    public static VerifierSpec of(int vocab, Schedule.Drafts drafts, Sampling sampling) {
        return new VerifierSpec(vocab, drafts, sampling, sampling, null, Set.of());
    }

    /** With another sampling for the draft. */
    public VerifierSpec draft(Sampling sampling) {
        return new VerifierSpec(vocab, drafts, target, sampling, lantern, reports);
    }

    /** With LANTERN's acceptance; every omega must be 1. */
    public VerifierSpec lantern(Lantern acceptance) {
        return new VerifierSpec(vocab, drafts, target, draft, acceptance, reports);
    }

    /** With verdicts that carry these figures. */
    public VerifierSpec report(Report... wanted) {
        return new VerifierSpec(vocab, drafts, target, draft, lantern, Set.of(wanted));
    }
}
