package org.coolsd.training.evaluation;

import java.util.SplittableRandom;

/**
 * Whether two samples of images have the same token histogram. The tokens of an image depend on one another, so
 * a chi-square table does not apply; instead whole images are exchanged between the samples at random, within their class,
 * and the observed distance is ranked among the distances after exchange. Exact at any sample size: if the samples have one
 * law, a p-value of at most a comes with probability at most a.
 */
public final class PermutationTest {
    private PermutationTest() {}

    /**
     * The p-value of "both samples have one law".
     *
     * @param first tokens [n][tokens], image i of the same class as image i of {@code second}
     * @param second tokens [n][tokens]
     * @param vocab tokens are 0..vocab-1
     * @param permutations random exchanges; the smallest p-value is 1 / (permutations + 1)
     * @param seed of the exchanges
     */
    public static double pValue(int[][] first, int[][] second, int vocab, int permutations, long seed) {
        if (first.length != second.length || first.length == 0) {
            throw new IllegalArgumentException(
                    "first has " + first.length + " images, second " + second.length + "; equal counts are needed");
        }
        int[][] difference = new int[first.length][vocab];
        int[] total = new int[vocab];
        for (int i = 0; i < first.length; i++) {
            for (int token : first[i]) {
                difference[i][token]++;
                total[token]++;
            }
            for (int token : second[i]) {
                difference[i][token]--;
                total[token]++;
            }
        }
        boolean[] exchanged = new boolean[first.length];
        double observed = distance(difference, exchanged, total);
        SplittableRandom random = new SplittableRandom(seed);
        int asFar = 0;
        for (int p = 0; p < permutations; p++) {
            for (int i = 0; i < exchanged.length; i++) {
                exchanged[i] = random.nextBoolean();
            }
            if (distance(difference, exchanged, total) >= observed) {
                asFar++;
            }
        }
        return (asFar + 1.0) / (permutations + 1.0);
    }

    /** Sum over tokens of (a - b)^2 / (a + b), a and b the counts in the two samples. */
    private static double distance(int[][] difference, boolean[] exchanged, int[] total) {
        double sum = 0;
        for (int v = 0; v < total.length; v++) {
            if (total[v] > 0) {
                long d = 0;
                for (int i = 0; i < difference.length; i++) {
                    d += exchanged[i] ? -difference[i][v] : difference[i][v];
                }
                sum += (double) d * d / total[v];
            }
        }
        return sum;
    }
}
