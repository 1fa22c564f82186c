package org.coolsd.training.evaluation;

import java.util.Arrays;

/**
 * Precision and recall of generated features (Kynkaanniemi et al. 2019): the share of generated features that lie in the
 * manifold of the reference, and of reference features that lie in the manifold of the generated ones. A manifold is the union
 * of balls around its features, each out to its third nearest neighbour.
 *
 * @param precision 0..1
 * @param recall 0..1
 */
public record PrecisionRecall(double precision, double recall) {
    private static final int NEIGHBOURS = 3;

    /**
     * Of two sets of more than three features each.
     *
     * @param generated [n][d]
     * @param reference [m][d]
     */
    public static PrecisionRecall of(float[][] generated, float[][] reference) {
        return new PrecisionRecall(covered(generated, reference), covered(reference, generated));
    }

    /** The share of {@code points} in the manifold of {@code centres}. */
    private static double covered(float[][] points, float[][] centres) {
        if (centres.length <= NEIGHBOURS || points.length == 0) {
            throw new IllegalArgumentException("there are " + centres.length + " features and " + points.length
                    + " to look for among them; more than " + NEIGHBOURS + " and at least 1 are needed");
        }
        double[] radii = new double[centres.length];
        for (int i = 0; i < centres.length; i++) {
            double[] distances = new double[centres.length];
            for (int j = 0; j < centres.length; j++) {
                distances[j] = squared(centres[i], centres[j]);
            }
            Arrays.sort(distances);
            // The nearest is the centre itself.
            radii[i] = distances[NEIGHBOURS];
        }
        int inside = 0;
        for (float[] point : points) {
            for (int i = 0; i < centres.length; i++) {
                if (squared(point, centres[i]) <= radii[i]) {
                    inside++;
                    break;
                }
            }
        }
        return (double) inside / points.length;
    }

    private static double squared(float[] a, float[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            double gap = (double) a[i] - b[i];
            sum += gap * gap;
        }
        return sum;
    }
}
