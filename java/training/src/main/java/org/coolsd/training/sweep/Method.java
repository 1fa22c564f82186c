package org.coolsd.training.sweep;

import java.util.Locale;
import org.coolsd.Acceptance;
import org.coolsd.Lantern;
import org.coolsd.NeighbourTable;
import org.coolsd.Schedule;
import org.coolsd.decode.DecoderOptions;
import org.coolsd.decode.FactorPolicy;

/** The rules and schedules of docs/method.md, each with one knob. */
public enum Method {
    /** Plain sampling: what the others are compared with. */
    REFERENCE,
    /** Plain sampling with other seeds: the noise floor. */
    TARGET,
    /** Factor 1. */
    LOSSLESS,
    /** Factor delta. */
    UNIFORM,
    /** From 2 delta to 0. */
    LINEAR,
    /** The paper's, with arithmetic mean delta. */
    EXPONENTIAL,
    /** The paper's, with geometric mean delta. */
    GEOMETRIC,
    /** The paper's, with no factor below 1. */
    CLAMPED,
    /** The factors of CLAMPED in the opposite order. */
    RISING,
    /** CLAMPED, but lossless in the first two sevenths of the image. */
    STRICT_TOP,
    /** The largest factors within a drift per image. */
    BUDGET,
    /** min(1, a + (1 - a) P/Q): the ensemble of target and drafter with weight a of the drafter. */
    AFFINE,
    /** Relaxed by delta where the target's law is flat. */
    ENTROPY,
    /** LANTERN with bound delta. */
    LANTERN,
    /** LANTERN++ with bound lambda and its own residual. */
    LANTERN_PLUS,
    /** LANTERN++ with bound lambda and the best residual. */
    LANTERN_OPTIMAL;

    /** Whether the method has a knob. */
    public boolean hasKnob() {
        return ordinal() > LOSSLESS.ordinal();
    }

    /** Whether the law of a position is known, so that drift is. */
    public boolean hasDrift() {
        return this != LANTERN && this != LANTERN_PLUS;
    }

    /**
     * Options that decode so.
     *
     * @param base with the draft length, and the rule where this method leaves it open
     * @param knob what the method's description calls delta, lambda, a, or the drift of an image
     * @param tokens of an image
     * @param neighbours of the tokens, for LANTERN
     * @throws IllegalArgumentException in one line, if the knob is out of range
     */
    DecoderOptions options(DecoderOptions base, double knob, int tokens, NeighbourTable neighbours) {
        return switch (this) {
            case REFERENCE, TARGET, LOSSLESS -> base;
            case UNIFORM -> base.schedule(Schedule.uniform(knob));
            case LINEAR -> base.schedule(Schedule.linear(knob, 0));
            case EXPONENTIAL -> base.schedule(Schedule.exponential(knob));
            case GEOMETRIC -> base.schedule(Schedule.exponential(knob).geometricMean());
            case CLAMPED -> base.schedule(Schedule.exponential(knob).clamped());
            case RISING -> base.schedule(rising(knob, base.draftLength()));
            case STRICT_TOP -> base.factors(
                    FactorPolicy.from(2 * tokens / 7, Schedule.exponential(knob).clamped()));
            case BUDGET -> base.factors(FactorPolicy.budgetPerSequence(knob));
            case AFFINE -> base.schedule(Schedule.uniform(1 - knob))
                    .acceptance(Acceptance.token().affine(knob));
            case ENTROPY -> base.schedule(Schedule.entropy(knob));
            case LANTERN -> base.acceptance(Lantern.of(neighbours, knob));
            case LANTERN_PLUS -> base.acceptance(Lantern.plusPlus(neighbours, knob));
            case LANTERN_OPTIMAL -> base.acceptance(
                    Lantern.plusPlus(neighbours, knob).optimalResidual());
        };
    }

    private static Schedule rising(double knob, int draftLength) {
        float[] falling = Schedule.exponential(knob).clamped().omega(draftLength);
        double[] omega = new double[draftLength];
        for (int i = 0; i < draftLength; i++) {
            omega[i] = falling[draftLength - 1 - i];
        }
        return Schedule.explicit(omega);
    }

    @Override
    public String toString() {
        return switch (this) {
            case LANTERN_PLUS -> "lantern++";
            case LANTERN_OPTIMAL -> "lantern++optimal";
            default -> name().toLowerCase(Locale.ROOT).replace('_', '-');
        };
    }
}
