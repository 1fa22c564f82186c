package org.coolsd.decode;

import org.coolsd.Schedule;

/**
 * Which factors a step relaxes with: a schedule, and what each step changes of its budget. It may depend on the prefix and on
 * what earlier steps spent, never on the tokens of the step.
 */
public interface FactorPolicy {
    /** The factors, or with a budget their limits. */
    Schedule schedule();

    /** Whether steps have a budget of their own from {@link #begin}: then the schedule is one with a budget. */
    default boolean perStep() {
        return false;
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
