package org.coolsd.decode;

import java.util.Arrays;
import org.coolsd.Schedule;

/**
 * Which factors a step relaxes with: a schedule, and what each step changes of its budget. It may depend on the prefix and on
 * what earlier steps spent, never on the tokens of the step.
 */
public interface FactorPolicy {
    /** No factors of a step's own. */
    float[] NONE = {};

    /** The factors, or with a budget their limits. */
    Schedule schedule();

    /** Whether steps have a budget of their own from {@link #begin}: then the schedule is one with a budget. */
    default boolean perStep() {
        return false;
    }

    /**
     * The factors of a step's own, or none if they are the schedule's. They may depend on the place in the sequence only.
     *
     * @param from tokens that are decided: draft position i = 1.. is for token from + i - 1, counted from 0
     * @param draftLength L
     * @return [L], or []
     */
    default float[] factors(int from, int draftLength) {
        return NONE;
    }

    /** The budgets of one request. */
    @FunctionalInterface
    interface Budgets {
        /**
         * The drift that each position of a step may have at most.
         *
         * @param remaining tokens that the request still lacks, at least 1
         * @param spent drift of the request so far
         */
        double perPosition(int remaining, double spent);
    }

    /** Budgets for a request of {@code length} tokens; asked only where {@link #perStep}. */
    default Budgets begin(int length) {
        return (remaining, spent) -> schedule().driftBudget();
    }

    /** The schedule's factors in every step. */
    static FactorPolicy of(Schedule schedule) {
        return () -> schedule;
    }

    /**
     * Lossless up to a place in the sequence, the schedule's factors from there on: an image's first rows decide what it
     * becomes.
     *
     * @param strict tokens that are decided with factor 1, at least 0
     */
    static FactorPolicy from(int strict, Schedule schedule) {
        if (strict < 0) {
            throw new IllegalArgumentException("strict is " + strict + ", it must be at least 0");
        }
        return new FactorPolicy() {
            @Override
            public Schedule schedule() {
                return schedule;
            }

            @Override
            public float[] factors(int from, int draftLength) {
                if (from >= strict) {
                    return FactorPolicy.super.factors(from, draftLength);
                }
                float[] omega = schedule.omega(draftLength);
                Arrays.fill(omega, 0, Math.min(draftLength, strict - from), 1);
                return omega;
            }
        };
    }

    /** As {@link #budgetPerSequence(double, double)}, whatever the factors. */
    static FactorPolicy budgetPerSequence(double drift) {
        return budgetPerSequence(drift, Schedule.budget(drift));
    }

    /**
     * A drift budget for a whole sequence, spread over its tokens; what a step does not spend is left to the later ones. The
     * sum of the reported drifts never exceeds it, nor does, in expectation, the distance to the target's law.
     *
     * @param drift finite, at least 0; 0 is lossless
     * @param mostFactor no factor is larger, so that no token becomes more than so many times as likely; at least 1
     */
    static FactorPolicy budgetPerSequence(double drift, double mostFactor) {
        return budgetPerSequence(drift, Schedule.budget(drift).cap(mostFactor));
    }

    private static FactorPolicy budgetPerSequence(double drift, Schedule schedule) {
        return new FactorPolicy() {
            @Override
            public Schedule schedule() {
                return schedule;
            }

            @Override
            public boolean perStep() {
                return true;
            }

            @Override
            public Budgets begin(int length) {
                return (remaining, spent) -> Math.max(0, drift - spent) / remaining;
            }
        };
    }
}
