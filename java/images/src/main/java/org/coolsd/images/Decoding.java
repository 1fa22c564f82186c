package org.coolsd.images;

import java.util.Optional;
import java.util.OptionalDouble;
import org.coolsd.Acceptance;
import org.coolsd.decode.DecoderOptions;
import org.coolsd.decode.DraftPolicy;
import org.coolsd.decode.FactorPolicy;

/**
 * How the tokens of images are decided, as people ask for it on the command line and over HTTP. Immutable; the methods that
 * take an argument return a changed copy, and {@link #options} checks that all of it goes together.
 *
 * @param schedule the factors' name; without effect where there is a drift budget
 * @param delta mean factor, finite, at least 0
 * @param driftBudget the most drift of an image, finite, at least 0
 * @param mostFactor with a drift budget, no factor is larger; at least 1
 * @param draftLength tokens drafted per step, 0..64
 * @param reach a draft goes on while its tokens are all accepted with at least this probability, 0..1; empty: always
 * @param verification empty: block, but token where drafts are coupled
 */
public record Decoding(
        ScheduleName schedule,
        double delta,
        OptionalDouble driftBudget,
        OptionalDouble mostFactor,
        int draftLength,
        OptionalDouble reach,
        Optional<Verification> verification) {

    /** COOL-SD with delta = 1.1 over drafts of 5. */
    public static Decoding standard() {
        return new Decoding(
                ScheduleName.EXPONENTIAL,
                1.1,
                OptionalDouble.empty(),
                OptionalDouble.empty(),
                5,
                OptionalDouble.empty(),
                Optional.empty());
    }

    /** With another schedule. */
    public Decoding schedule(ScheduleName value) {
        return new Decoding(value, delta, driftBudget, mostFactor, draftLength, reach, verification);
    }

    /** With another mean factor. */
    public Decoding delta(double value) {
        return new Decoding(schedule, value, driftBudget, mostFactor, draftLength, reach, verification);
    }

    /** With a drift budget for each image. */
    public Decoding driftBudget(double value) {
        return new Decoding(schedule, delta, OptionalDouble.of(value), mostFactor, draftLength, reach, verification);
    }

    /** With a limit to the factors that a drift budget leaves room for. */
    public Decoding mostFactor(double value) {
        return new Decoding(schedule, delta, driftBudget, OptionalDouble.of(value), draftLength, reach, verification);
    }

    /** With drafts of another length. */
    public Decoding draftLength(int value) {
        return new Decoding(schedule, delta, driftBudget, mostFactor, value, reach, verification);
    }

    /** With drafts that end where they are likely to be refused. */
    public Decoding reach(double value) {
        return new Decoding(
                schedule, delta, driftBudget, mostFactor, draftLength, OptionalDouble.of(value), verification);
    }

    /** With another rule. */
    public Decoding verification(Verification value) {
        return new Decoding(schedule, delta, driftBudget, mostFactor, draftLength, reach, Optional.of(value));
    }

    /** Whether this is plain sampling, which drafts nothing. */
    public boolean isPlain() {
        return schedule == ScheduleName.TARGET && driftBudget.isEmpty() || draftLength == 0;
    }

    /** The rule for drafts that come from {@code drafts}. */
    public Verification verification(Drafts drafts) {
        return verification.orElse(drafts instanceof Drafts.Coupled ? Verification.TOKEN : Verification.BLOCK);
    }

    /**
     * What a decoder is told; results tell their drift.
     *
     * @param drafts where drafts come from
     * @param slots images side by side
     * @throws IllegalArgumentException in one line, if a value is out of range or they do not go together
     */
    public DecoderOptions options(Drafts drafts, int slots) {
        FactorPolicy factors = factors();
        factors.schedule().draftLength(draftLength);
        Verification rule = verification(drafts);
        if (drafts instanceof Drafts.Coupled && rule == Verification.BLOCK) {
            throw new IllegalArgumentException("verification is block, drafts that are coupled need token: a token that"
                    + " they keep from a refused block would be biased (see docs/drop-in.md)");
        }
        return DecoderOptions.of(drafts instanceof Drafts.None ? 0 : draftLength)
                .slots(slots)
                .factors(factors)
                .acceptance(rule == Verification.BLOCK ? Acceptance.block() : Acceptance.token())
                .drafts(reach.isPresent() ? DraftPolicy.adaptive(reach.getAsDouble()) : DraftPolicy.fixed())
                .drift(true);
    }

    private FactorPolicy factors() {
        if (driftBudget.isEmpty()) {
            if (mostFactor.isPresent()) {
                throw new IllegalArgumentException("the drift budget is missing: the largest factor is a limit to it");
            }
            return FactorPolicy.of(schedule.schedule(delta));
        }
        return mostFactor.isPresent()
                ? FactorPolicy.budgetPerSequence(driftBudget.getAsDouble(), mostFactor.getAsDouble())
                : FactorPolicy.budgetPerSequence(driftBudget.getAsDouble());
    }

    /** What this way of decoding is called. */
    public String name(Drafts drafts) {
        if (drafts instanceof Drafts.None) {
            return "plain sampling";
        }
        String factors;
        if (driftBudget.isPresent()) {
            factors = "drift budget " + driftBudget.getAsDouble()
                    + (mostFactor.isPresent() ? ", factors up to " + mostFactor.getAsDouble() : "");
        } else if (schedule == ScheduleName.LOSSLESS) {
            factors = "lossless";
        } else {
            factors = schedule + ", delta = " + delta;
        }
        String name = factors + ", L = " + draftLength + ", " + verification(drafts) + ", " + drafts.name();
        return reach.isPresent() ? name + ", adaptive " + reach.getAsDouble() : name;
    }
}
