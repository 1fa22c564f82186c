package org.coolsd;

import java.util.Objects;
import java.util.Set;

/**
 * What a verifier is made for. Immutable; {@link #builder} makes one part by part, {@link #of} in one line, and the methods
 * that take an argument return a changed copy. Equal specifications are equal.
 *
 * @param vocab vocabulary size V, 2..2^20
 * @param drafts relaxation factors and the longest draft
 * @param target how target logits become P
 * @param draft how draft logits become Q; must be what draft tokens were sampled with
 * @param acceptance the rule
 * @param reports what verdicts carry beside the tokens
 */
public record VerifierSpec(
        int vocab,
        Schedule.Drafts drafts,
        Sampling target,
        Sampling draft,
        Acceptance acceptance,
        Set<Report> reports) {
    /** Figures that cost extra passes over the rows of visited positions. */
    public enum Report {
        /** D = TV(Phat, P) of every visited position. */
        DRIFT,
        /** P/Phat of every emitted token. */
        RATIO,
        /** log P of every emitted token, and of every sampled one the log of the probability it was sampled with. */
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
        Objects.requireNonNull(acceptance, "acceptance");
        if (acceptance instanceof Lantern lantern) {
            if (lantern.table().vocab() != vocab) {
                throw new IllegalArgumentException("the neighbour table is for a vocabulary of "
                        + lantern.table().vocab() + ", vocab is " + vocab);
            }
            if (drafts.factors() != Schedule.Factors.GIVEN) {
                throw new IllegalArgumentException(
                        "the schedule is " + drafts.schedule() + ", LANTERN takes the factor 1 only");
            }
        }
        if (acceptance instanceof Acceptance.Token token
                && token.affine() != 0
                && drafts.factors() == Schedule.Factors.BUDGET) {
            throw new IllegalArgumentException("affine is " + token.affine()
                    + ", with a drift budget it must be 0: its drift is above 0 at omega 1");
        }
        reports = Set.copyOf(reports);
    }

    private static void requireWindow(String name, Sampling sampling, int vocab) {
        if (sampling.windowTo() > vocab) {
            throw new IllegalArgumentException(name + ".window ends at " + sampling.windowTo() + ", vocab is " + vocab);
        }
    }

    /** The same sampling for target and draft, token by token, no reports. */
    public static VerifierSpec of(int vocab, Schedule.Drafts drafts, Sampling sampling) {
        return new VerifierSpec(vocab, drafts, sampling, sampling, Acceptance.token(), Set.of());
    }

    /** A specification part by part. */
    public static Builder builder(int vocab) {
        return new Builder(vocab);
    }

    /** With another sampling for the draft. */
    public VerifierSpec draft(Sampling sampling) {
        return new VerifierSpec(vocab, drafts, target, sampling, acceptance, reports);
    }

    /** With another rule. */
    public VerifierSpec acceptance(Acceptance rule) {
        return new VerifierSpec(vocab, drafts, target, draft, rule, reports);
    }

    /** With verdicts that carry these figures. */
    public VerifierSpec report(Report... wanted) {
        return new VerifierSpec(vocab, drafts, target, draft, acceptance, Set.of(wanted));
    }

    /** Takes the parts in any order; what is not said is plain sampling without a draft, token by token, no reports. */
    public static final class Builder {
        private final int vocab;
        private Schedule.Drafts drafts = Schedule.lossless().draftLength(0);
        private Sampling target = Sampling.of();
        private Sampling draft = Sampling.of();
        private Acceptance acceptance = Acceptance.token();
        private Set<Report> reports = Set.of();

        private Builder(int vocab) {
            this.vocab = vocab;
        }

        /** Relaxation factors and the longest draft. */
        public Builder drafts(Schedule.Drafts schedule) {
            drafts = schedule;
            return this;
        }

        /** The sampling of target and draft alike. */
        public Builder sampling(Sampling both) {
            target = both;
            draft = both;
            return this;
        }

        /** How target logits become P. */
        public Builder target(Sampling sampling) {
            target = sampling;
            return this;
        }

        /** How draft logits become Q. */
        public Builder draft(Sampling sampling) {
            draft = sampling;
            return this;
        }

        /** The rule. */
        public Builder acceptance(Acceptance rule) {
            acceptance = rule;
            return this;
        }

        /** What verdicts carry. */
        public Builder report(Report... wanted) {
            reports = Set.of(wanted);
            return this;
        }

        /**
         * The specification.
         *
         * @throws IllegalArgumentException if the parts do not fit each other
         */
        public VerifierSpec build() {
            return new VerifierSpec(vocab, drafts, target, draft, acceptance, reports);
        }
    }
}
