package org.coolsd.models.t5;

/**
 * T5's buckets of relative positions (Raffel et al., arXiv 1910.10683, section 2.1): near distances have a bucket each, far
 * ones share buckets that widen with the logarithm of the distance, and either direction has half of them.
 */
final class RelativePositions {
    private RelativePositions() {}

    /**
     * The bucket of a pair, 0..buckets - 1.
     *
     * @param relative the position that is read, less the one that reads
     * @param buckets a multiple of 4
     * @param maxDistance from which on all distances are in the last bucket; above {@code buckets / 4}
     */
    static int bucket(int relative, int buckets, int maxDistance) {
        int half = buckets / 2;
        int exact = half / 2;
        int distance = Math.abs(relative);
        int direction = relative > 0 ? half : 0;
        if (distance < exact) {
            return direction + distance;
        }
        // Rounded to f32 where the official code is: at powers of two the quotient is a whole number or just below it.
        float logarithm = (float) Math.log((float) distance / exact);
        float share = logarithm / (float) Math.log((double) maxDistance / exact);
        int far = exact + (int) (share * (half - exact));
        return direction + Math.min(far, half - 1);
    }

    /** The buckets of all pairs of {@code n} positions: row i has what position i reads. */
    static long[] buckets(int n, int buckets, int maxDistance) {
        long[] all = new long[n * n];
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                all[i * n + j] = bucket(j - i, buckets, maxDistance);
            }
        }
        return all;
    }
}
