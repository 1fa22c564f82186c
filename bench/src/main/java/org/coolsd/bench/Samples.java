package org.coolsd.bench;

import java.util.Arrays;

/**
 * What was measured of one {@link Measure}.
 *
 * @param nanoseconds per call, one value per iteration of every round
 * @param bytes allocated on the Java heap per call, likewise
 */
record Samples(double[] nanoseconds, double[] bytes) {
    /** From a normal sample's median absolute deviation to its standard deviation. */
    private static final double NORMAL = 1.4826;

    static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        int half = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
    }

    /**
     * How far a value lies from the median, as a standard deviation that outliers leave alone. Not divided by the root
     * of the number of values: those of one process rise and fall together.
     */
    static double deviation(double[] values) {
        double median = median(values);
        return NORMAL
                * median(Arrays.stream(values).map(x -> Math.abs(x - median)).toArray());
    }

    /** These and the values of another round. */
    Samples and(Samples more) {
        return new Samples(joined(nanoseconds, more.nanoseconds), joined(bytes, more.bytes));
    }

    private static double[] joined(double[] a, double[] b) {
        double[] all = Arrays.copyOf(a, a.length + b.length);
        System.arraycopy(b, 0, all, a.length, b.length);
        return all;
    }
}
