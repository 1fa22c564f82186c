package org.coolsd;

import java.util.Arrays;

/**
 * The relaxation factors omega_i over the draft positions i = 1..L (docs/method.md, "Schedules"). A schedule without its
 * draft length has no factors yet. Equal schedules are equal.
 */
public sealed interface Schedule {
    /** nu of the paper's exponential schedule. */
    double NU = 0.7;

    /** omega_i = 1: lossless speculative decoding (Leviathan et al. 2023; Chen et al. 2023). */
    static Schedule lossless() {
        return new Uniform(1);
    }

    /** omega_i = delta. */
    static Schedule uniform(double delta) {
        return new Uniform(delta);
    }

    /** omega_i = delta w_i, w_i proportional to exp(-0.7 i) with arithmetic mean 1: COOL-SD. */
    static Exponential exponential(double delta) {
        return new Exponential(delta, NU, false);
    }

    /** omega_i falls linearly from 2 delta - end to {@code end}, so that its mean is delta. */
    static Schedule linear(double delta, double end) {
        return new Linear(delta, end);
    }

    /** Any factors, one per draft position. */
    static Schedule explicit(double... omega) {
        return new Explicit(omega.clone());
    }

    /**
     * At each position the largest omega_i whose drift D_i = TV(Phat, P) is at most {@code driftPerPosition}, found by the
     * operation itself; at least 1. The user sets how far the law may move, not how far the rule is relaxed.
     *
     * @param driftPerPosition finite, at least 0; 0 is lossless
     */
    static Budget budget(double driftPerPosition) {
        return new Budget(driftPerPosition, Double.POSITIVE_INFINITY);
    }

    /**
     * omega_i = 1 + (delta - 1) H(P_i) / log(tokens in the target's window), H in nats: relaxed where the target is undecided,
     * lossless where it is certain.
     */
    static Entropy entropy(double delta) {
        return new Entropy(delta);
    }

    /** Where the factor of a draft position comes from. In the order of coolsd_factors. */
    enum Factors {
        /** It is omega_i. */
        GIVEN,
        /** It is the largest in [1, omega_i] whose drift is within the budget. */
        BUDGET,
        /** It is 1 + (omega_i - 1) H(P_i) / log(tokens in the target's window). */
        ENTROPY
    }

    /** What the operation does with the factors of this schedule. */
    default Factors factors() {
        return Factors.GIVEN;
    }

    /** The largest drift of a position where {@link #factors} are BUDGET, 0 otherwise. */
    default double driftBudget() {
        return 0;
    }

    /** The factors of a draft of {@code length} positions, each finite and at least 0. */
    float[] omega(int length);

    /** This schedule over drafts of at most {@code length} tokens. */
    default Drafts draftLength(int length) {
        if (length < 0 || length > 64) {
            throw new IllegalArgumentException("draftLength is " + length + ", it must be 0..64");
        }
        return new Drafts(this, length, omega(length));
    }

    /**
     * max(1, s omega_i) with the s in [0, 1] that keeps the mean: where omega would be below 1, acceptance would be given
     * away and no drift saved. All factors are 1 where the mean is at most 1.
     */
    default Schedule clamped() {
        return new Clamped(this);
    }

    /**
     * A schedule with its draft length.
     *
     * @param schedule where the factors come from
     * @param length L, 0..64
     * @param omega [L]
     */
    record Drafts(Schedule schedule, int length, float[] omega) {
        /** Keeps its own copy of the factors. */
        public Drafts {
            if (length != omega.length) {
                throw new IllegalArgumentException("length is " + length + ", omega has " + omega.length + " factors");
            }
            omega = omega.clone();
        }

        @Override
        public float[] omega() {
            return omega.clone();
        }

        /** What the operation does with the factors. */
        public Factors factors() {
            return schedule.factors();
        }

        /** The largest drift of a position where {@link #factors} are BUDGET, 0 otherwise. */
        public float driftBudget() {
            return atMost(schedule.driftBudget());
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Drafts drafts
                    && length == drafts.length
                    && schedule.equals(drafts.schedule)
                    && Arrays.equals(omega, drafts.omega);
        }

        @Override
        public int hashCode() {
            return 31 * (31 * schedule.hashCode() + length) + Arrays.hashCode(omega);
        }

        @Override
        public String toString() {
            return "Drafts[schedule=" + schedule + ", length=" + length + ", omega=" + Arrays.toString(omega) + "]";
        }
    }

    /** See {@link Schedule#uniform}. */
    record Uniform(double delta) implements Schedule {
        /** Checks delta. */
        public Uniform {
            requireFactor("delta", delta);
        }

        @Override
        public float[] omega(int length) {
            float[] omega = new float[length];
            Arrays.fill(omega, (float) delta);
            return omega;
        }
    }

    /**
     * See {@link Schedule#exponential}.
     *
     * @param delta mean factor
     * @param nu decay per position
     * @param geometric whether the geometric mean is delta, instead of the arithmetic one
     */
    record Exponential(double delta, double nu, boolean geometric) implements Schedule {
        /** Checks delta and nu. */
        public Exponential {
            requireFactor("delta", delta);
            requireFactor("nu", nu);
        }

        /** With the geometric mean as normaliser. */
        public Exponential geometricMean() {
            return new Exponential(delta, nu, true);
        }

        @Override
        public float[] omega(int length) {
            double sum = 0;
            for (int i = 1; i <= length; i++) {
                sum += geometric ? -nu * i : Math.exp(-nu * i);
            }
            double mean = geometric ? Math.exp(sum / length) : sum / length;
            float[] omega = new float[length];
            for (int i = 1; i <= length; i++) {
                omega[i - 1] = (float) (delta * Math.exp(-nu * i) / mean);
            }
            return omega;
        }
    }

    /** See {@link Schedule#linear}. */
    record Linear(double delta, double end) implements Schedule {
        /** Checks that every factor is at least 0. */
        public Linear {
            requireFactor("delta", delta);
            requireFactor("end", end);
            if (end > delta) {
                throw new IllegalArgumentException("end is " + end + ", it must not exceed delta = " + delta);
            }
        }

        @Override
        public float[] omega(int length) {
            float[] omega = new float[length];
            for (int i = 0; i < length; i++) {
                double t = length == 1 ? 0.5 : (double) i / (length - 1);
                omega[i] = (float) ((1 - t) * (2 * delta - end) + t * end);
            }
            return omega;
        }
    }

    /** See {@link Schedule#clamped}. */
    record Clamped(Schedule inner) implements Schedule {
        /** Checks that the factors are known beforehand. */
        public Clamped {
            if (inner.factors() != Factors.GIVEN) {
                throw new IllegalArgumentException("inner is " + inner + ", its factors cannot be clamped beforehand");
            }
        }

        @Override
        public float[] omega(int length) {
            float[] omega = inner.omega(length);
            double wanted = sum(omega, 1, 0);
            double low = 0;
            double high = 1;
            for (int i = 0; i < 60; i++) {
                double scale = (low + high) / 2;
                if (sum(omega, scale, 1) < wanted) {
                    low = scale;
                } else {
                    high = scale;
                }
            }
            for (int i = 0; i < length; i++) {
                omega[i] = (float) Math.max(1, low * omega[i]);
            }
            return omega;
        }

        private static double sum(float[] omega, double scale, double least) {
            double sum = 0;
            for (float factor : omega) {
                sum += Math.max(least, scale * factor);
            }
            return sum;
        }
    }

    /** See {@link Schedule#explicit}. */
    record Explicit(double[] omega) implements Schedule {
        /** Checks every factor. */
        public Explicit {
            omega = omega.clone();
            for (int i = 0; i < omega.length; i++) {
                requireFactor("omega[" + i + "]", omega[i]);
            }
        }

        /** The factors [L]. */
        @Override
        public double[] omega() {
            return omega.clone();
        }

        @Override
        public float[] omega(int length) {
            if (length != omega.length) {
                throw new IllegalArgumentException(
                        "draftLength is " + length + ", the schedule has " + omega.length + " factors");
            }
            float[] narrowed = new float[length];
            for (int i = 0; i < length; i++) {
                narrowed[i] = (float) omega[i];
            }
            return narrowed;
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Explicit explicit && Arrays.equals(omega, explicit.omega);
        }

        @Override
        public int hashCode() {
            return Arrays.hashCode(omega);
        }

        @Override
        public String toString() {
            return "Explicit[omega=" + Arrays.toString(omega) + "]";
        }
    }

    /**
     * See {@link Schedule#budget}.
     *
     * @param driftBudget D that no position exceeds, finite, at least 0
     * @param largest the largest factor, at least 1, so that no token becomes more than so many times as likely; infinite for
     *     no limit
     */
    record Budget(double driftBudget, double largest) implements Schedule {
        /** What stands for no limit: the operation wants a finite number. */
        private static final float UNLIMITED = 1e38f;

        /** Checks the ranges. */
        public Budget {
            if (!(driftBudget >= 0) || Double.isInfinite(driftBudget)) {
                throw new IllegalArgumentException(
                        "driftBudget is " + driftBudget + ", it must be finite and at least 0");
            }
            if (!(largest >= 1)) {
                throw new IllegalArgumentException("cap is " + largest + ", it must be at least 1");
            }
        }

        /** With a limit to the factor, at least 1: the largest Phat/P. */
        public Budget cap(double factor) {
            return new Budget(driftBudget, factor);
        }

        @Override
        public Factors factors() {
            return Factors.BUDGET;
        }

        /** This schedule: no factor is below 1. */
        @Override
        public Budget clamped() {
            return this;
        }

        /** The limits of the factors. */
        @Override
        public float[] omega(int length) {
            float[] omega = new float[length];
            Arrays.fill(omega, atMost(Math.min(largest, UNLIMITED)));
            return omega;
        }
    }

    /** See {@link Schedule#entropy}. @param delta the factor where every token is as likely; finite, at least 0 */
    record Entropy(double delta) implements Schedule {
        /** Checks delta. */
        public Entropy {
            requireFactor("delta", delta);
        }

        @Override
        public Factors factors() {
            return Factors.ENTROPY;
        }

        /** The same with delta at least 1, so that no factor is below 1. */
        @Override
        public Entropy clamped() {
            return new Entropy(Math.max(1, delta));
        }

        /** The factors where every token is as likely. */
        @Override
        public float[] omega(int length) {
            float[] omega = new float[length];
            Arrays.fill(omega, (float) delta);
            return omega;
        }
    }

    /** The largest float that is not above {@code value}: a limit stays one. */
    private static float atMost(double value) {
        float nearest = (float) value;
        return nearest > value ? Math.nextDown(nearest) : nearest;
    }

    private static void requireFactor(String name, double value) {
        if (!(value >= 0) || Double.isInfinite(value)) {
            throw new IllegalArgumentException(name + " is " + value + ", it must be finite and at least 0");
        }
    }
}
