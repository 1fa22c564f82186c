package org.coolsd;

/**
 * The relaxation factors omega_i over the draft positions i = 1..L (METHOD, "Schedules"). A schedule without its draft
 * length has no factors yet.
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
            omega = omega.clone();
        }

        @Override
        public float[] omega() {
            return omega.clone();
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
            java.util.Arrays.fill(omega, (float) delta);
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
    record Explicit(double[] factors) implements Schedule {
        /** Checks every factor. */
        public Explicit {
            factors = factors.clone();
            for (int i = 0; i < factors.length; i++) {
                requireFactor("omega[" + i + "]", factors[i]);
            }
        }

        @Override
        public double[] factors() {
            return factors.clone();
        }

        @Override
        public float[] omega(int length) {
            if (length != factors.length) {
                throw new IllegalArgumentException(
                        "draftLength is " + length + ", the schedule has " + factors.length + " factors");
            }
            float[] omega = new float[length];
            for (int i = 0; i < length; i++) {
                omega[i] = (float) factors[i];
            }
            return omega;
        }
    }

    private static void requireFactor(String name, double value) {
        if (!(value >= 0) || Double.isInfinite(value)) {
            throw new IllegalArgumentException(name + " is " + value + ", it must be finite and at least 0");
        }
    }
}
