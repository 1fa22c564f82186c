package org.coolsd.training.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.bytedeco.pytorch.Tensor;
import org.coolsd.libtorch.LibTorch;
import org.coolsd.libtorch.Tensors;
import org.junit.jupiter.api.Test;

/** The statistics of a sweep against values that are known otherwise. */
class StatisticsTest {
    @Test
    void pValuesAreThoseOfTheNormalLaw() {
        // Tables: P(Z > 1.644854) = 0.05, P(Z > 3.090232) = 0.001.
        assertThat(Estimate.upperTail(0)).isCloseTo(0.5, within(1e-6));
        assertThat(Estimate.upperTail(1.644854)).isCloseTo(0.05, within(1e-6));
        assertThat(Estimate.upperTail(3.090232)).isCloseTo(0.001, within(1e-6));
        // Samples -1, 0, 1 have the deviation 1.
        Estimate estimate = new Estimate(1.959964, new double[] {-1, 0, 1});
        assertThat(estimate.half()).isCloseTo(1.959964, within(1e-6));
        assertThat(estimate.pValue()).isCloseTo(0.05, within(1e-6));
        assertThat(Estimate.exactly(0, 3).pValue()).isEqualTo(1);
        assertThat(Estimate.exactly(2, 3).pValue()).isZero();
        assertThat(estimate.minus(estimate).half()).isZero();
        assertThatThrownBy(() -> estimate.plus(Estimate.exactly(1, 2))).hasMessageContaining("3 samples and 2");
    }

    @Test
    void theBootstrapHasTheErrorOfAMeanWithinClasses() {
        // Two classes far apart, each of 50 standard normal values: the classes' distance adds nothing to the error.
        Random random = new Random(3);
        int[] labels = new int[100];
        double[] values = new double[100];
        for (int i = 0; i < 100; i++) {
            labels[i] = i % 2;
            values[i] = random.nextGaussian() + 1000 * labels[i];
        }
        Estimate mean = Bootstrap.of(labels, 2000, 5).mean(values);
        assertThat(mean.value()).isCloseTo(500, within(0.3));
        assertThat(mean.error()).isCloseTo(0.1, within(0.02));
        // Two of each class, of variances 2 and 8: the variance of the mean is (2/2 + 8/2) / 4.
        Estimate few = Bootstrap.of(new int[] {0, 0, 1, 1}, 20_000, 7).mean(new double[] {0, 2, 1, 5});
        assertThat(few.error()).isCloseTo(Math.sqrt(1.25), within(0.03));
        // A single image of a class: no regard to classes; a single image at all: no error to be seen.
        assertThat(Bootstrap.of(new int[] {0, 1}, 100, 7)
                        .mean(new double[] {0, 2})
                        .error())
                .isPositive();
        assertThat(Bootstrap.of(new int[] {0}, 10, 7).mean(new double[] {3}).error())
                .isZero();
        assertThat(Estimate.centred(3, new double[] {10, 12}).samples()).containsExactly(2, 4);
    }

    @Test
    void theFrechetDistanceOfKnownGaussians() throws Exception {
        LibTorch.load(1);
        // Uncorrelated features of mean 0 and variance 4/3 (values +-1 of four); then moved, then scaled.
        float[][] corners = {{1, 1}, {1, -1}, {-1, 1}, {-1, -1}};
        Tensor square = tensor(corners, 1, 0);
        assertThat(FrechetDistance.between(square, square)).isCloseTo(0, within(1e-9));
        assertThat(FrechetDistance.between(square, tensor(corners, 1, 3))).isCloseTo(18, within(1e-6));
        // Each of two features: (2 s - s)^2 = s^2 = 4/3.
        assertThat(FrechetDistance.between(tensor(corners, 2, 0), square)).isCloseTo(8.0 / 3, within(1e-6));
    }

    private static Tensor tensor(float[][] rows, float scale, float shift) {
        float[] values = new float[rows.length * rows[0].length];
        for (int i = 0; i < values.length; i++) {
            values[i] = scale * rows[i / rows[0].length][i % rows[0].length] + shift;
        }
        return Tensors.of(values, rows.length, rows[0].length);
    }

    @Test
    void precisionAndRecallOfPointsOnALine() {
        // Balls of the reference reach to the third nearest: 0..4 cover -3..7.
        float[][] reference = {{0}, {1}, {2}, {3}, {4}};
        float[][] half = {{-2}, {2.5f}, {7.5f}, {20}};
        PrecisionRecall found = PrecisionRecall.of(half, reference);
        assertThat(found.precision()).isEqualTo(0.5);
        assertThat(found.recall()).isEqualTo(1);
        float[][] far = {{100}, {101}, {102}, {103}};
        assertThat(PrecisionRecall.of(far, reference)).isEqualTo(new PrecisionRecall(0, 0));
        assertThatThrownBy(() -> PrecisionRecall.of(far, new float[][] {{1}, {2}, {3}}))
                .hasMessageContaining("there are 3 features");
    }

    @Test
    void histogramsAndPermutations() {
        int[][] first = {{0, 0}, {0, 1}};
        int[][] second = {{1, 1}, {1, 2}};
        TokenHistogram histogram = new TokenHistogram(first, 3);
        TokenHistogram other = new TokenHistogram(second, 3);
        // (3/4, 1/4, 0) and (0, 3/4, 1/4).
        assertThat(histogram.distance(new int[] {0, 1}, other)).isEqualTo(0.75);
        assertThat(histogram.distance(new int[] {0}, other)).isEqualTo(1);
        assertThat(PermutationTest.pValue(first, first, 3, 99, 1)).isEqualTo(1);
        int[][] zeros = new int[20][4];
        int[][] ones = new int[20][4];
        for (int[] image : ones) {
            java.util.Arrays.fill(image, 1);
        }
        assertThat(PermutationTest.pValue(zeros, ones, 2, 99, 1)).isEqualTo(0.01);
    }
}
