package org.coolsd.training.evaluation;

/** How often each token occurs in some images. */
public final class TokenHistogram {
    private final int[][] counts;
    private final double[] shares;

    /**
     * Counts the tokens.
     *
     * @param tokens [images][tokens], at least one image
     * @param vocab tokens are 0..vocab-1
     */
    public TokenHistogram(int[][] tokens, int vocab) {
        counts = new int[tokens.length][vocab];
        int[] all = new int[tokens.length];
        for (int i = 0; i < tokens.length; i++) {
            all[i] = i;
            for (int token : tokens[i]) {
                counts[i][token]++;
            }
        }
        shares = shares(all);
    }

    /** The total variation between the shares of tokens in some of these images, by index, and in all of {@code other}'s. */
    public double distance(int[] images, TokenHistogram other) {
        double[] mine = shares(images);
        double sum = 0;
        for (int v = 0; v < mine.length; v++) {
            sum += Math.abs(mine[v] - other.shares[v]) / 2;
        }
        return sum;
    }

    private double[] shares(int[] images) {
        double[] sum = new double[counts[0].length];
        double all = 0;
        for (int i : images) {
            for (int v = 0; v < sum.length; v++) {
                sum[v] += counts[i][v];
                all += counts[i][v];
            }
        }
        for (int v = 0; v < sum.length; v++) {
            sum[v] /= all;
        }
        return sum;
    }
}
