package org.coolsd;

/** Pearson's statistic, and where it is exceeded by chance once in 10^9. */
final class ChiSquare {
    /** Standard normal quantile of 1 - 1e-9. */
    private static final double Z = 5.998;

    private ChiSquare() {}

    /** Bins with an expectation below 5 are merged. */
    static double statistic(long[] counts, double[] law, long n) {
        double sum = 0;
        double restExpected = 0;
        double restSeen = 0;
        for (int i = 0; i < law.length; i++) {
            double expected = n * law[i];
            if (expected < 5) {
                restExpected += expected;
                restSeen += counts[i];
            } else {
                sum += Math.pow(counts[i] - expected, 2) / expected;
            }
        }
        // Below 1 expected in all, a handful of counts would look like a defect.
        return restExpected < 1 ? sum : sum + Math.pow(restSeen - restExpected, 2) / restExpected;
    }

    /** Wilson and Hilferty's approximation of the 1 - 1e-9 quantile. */
    static double threshold(int bins) {
        double df = Math.max(1, bins - 1);
        double a = 2 / (9 * df);
        return df * Math.pow(1 - a + Z * Math.sqrt(a), 3);
    }
}
