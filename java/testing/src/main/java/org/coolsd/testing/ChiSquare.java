package org.coolsd.testing;

import org.apache.commons.math3.distribution.ChiSquaredDistribution;

/** Pearson's test of counts against a law, with a false alarm once in 10^9. */
public final class ChiSquare {
    private static final double FALSE_ALARM = 1e-9;

    /** Below this expectation a bin is merged with the others of its kind. */
    private static final double LEAST = 5;

    private ChiSquare() {}

    /**
     * Pearson's statistic over the value that it exceeds by chance once in 10^9, by the chi-square law: below 1 if
     * the counts have the law. Bins with an expectation below 5 are merged, and left out if they
     * expect less than one count together, when a handful of counts would look like a defect.
     *
     * @param counts of independent draws, by bin
     * @param law probabilities of the bins, which add up to 1
     * @return at least 0; infinity if a bin of probability 0 has counts
     */
    public static double excess(long[] counts, double[] law) {
        long all = 0;
        for (long count : counts) {
            all += count;
        }
        double statistic = 0;
        double restExpected = 0;
        double restSeen = 0;
        int bins = 0;
        for (int i = 0; i < law.length; i++) {
            double expected = all * law[i];
            if (law[i] == 0 && counts[i] > 0) {
                return Double.POSITIVE_INFINITY;
            } else if (expected < LEAST) {
                restExpected += expected;
                restSeen += counts[i];
            } else {
                statistic += Math.pow(counts[i] - expected, 2) / expected;
                bins++;
            }
        }
        if (restExpected >= 1) {
            statistic += Math.pow(restSeen - restExpected, 2) / restExpected;
            bins++;
        }
        int freedom = Math.max(1, bins - 1);
        return statistic / new ChiSquaredDistribution(freedom).inverseCumulativeProbability(1 - FALSE_ALARM);
    }
}
