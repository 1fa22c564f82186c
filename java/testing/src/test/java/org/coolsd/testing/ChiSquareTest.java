package org.coolsd.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class ChiSquareTest {
    /** Quantiles of 1 - 1e-9: 37.325 at one degree of freedom, and 75.654 at 16, where exp(-x/2) sum (x/2)^k / k!, k < 8, is 1e-9. */
    @Test
    void oneIsTheQuantile() {
        // Two bins that expect 50 each, off by d: the statistic is d * d / 25.
        assertThat(ChiSquare.excess(new long[] {80, 20}, new double[] {0.5, 0.5}))
                .isCloseTo(36 / 37.325, within(1e-4));
        long[] counts = new long[17];
        double[] law = new double[17];
        for (int i = 0; i < 17; i++) {
            counts[i] = 100;
            law[i] = 1 / 17.0;
        }
        counts[0] += 60;
        counts[1] -= 60;
        assertThat(ChiSquare.excess(counts, law)).isCloseTo(72 / 75.654, within(1e-4));
    }

    @Test
    void rareBinsAreMerged() {
        double[] law = {0.996, 0.002, 0.002};
        // 2 and 2 are expected, 4 together: an excess in one that the other lacks is none.
        assertThat(ChiSquare.excess(new long[] {996, 4, 0}, law)).isZero();
        assertThat(ChiSquare.excess(new long[] {980, 20, 0}, law)).isGreaterThan(1);
    }

    @Test
    void rareBinsOfLessThanOneCountAreLeftOut() {
        assertThat(ChiSquare.excess(new long[] {498, 2}, new double[] {0.9999, 0.0001}))
                .isLessThan(0.01);
    }

    @Test
    void whatCannotHappenMustNot() {
        assertThat(ChiSquare.excess(new long[] {50, 50, 1}, new double[] {0.5, 0.5, 0}))
                .isInfinite();
    }
}
