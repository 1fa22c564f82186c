package org.coolsd.bench;

import java.util.Arrays;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;

/**
 * What was measured of one {@link Measure}.
 *
 * @param nanoseconds per call: [rounds][iterations], a round being a process of its own
 * @param bytes allocated on the Java heap per call, likewise
 */
record Samples(double[][] nanoseconds, double[][] bytes) {
    /** From a normal sample's median absolute deviation to its standard deviation. */
    private static final double NORMAL = 1.4826;

    /** The median of all values. */
    static double median(double[][] rounds) {
        return median(Stream.of(rounds).flatMapToDouble(DoubleStream::of));
    }

    private static double median(DoubleStream values) {
        double[] sorted = values.sorted().toArray();
        int half = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
    }

    /**
     * The standard error of the median, from the scatter of all values or of the rounds' medians, whichever is larger.
     * A round counts as one observation however many iterations it has: values of one process rise and fall together.
     */
    static double noise(double[][] rounds) {
        double median = median(rounds);
        double scatter = NORMAL
                * median(Stream.of(rounds).flatMapToDouble(DoubleStream::of).map(x -> Math.abs(x - median)));
        double[] medians = Stream.of(rounds)
                .mapToDouble(round -> median(DoubleStream.of(round)))
                .toArray();
        double mean = DoubleStream.of(medians).average().orElse(0);
        double squares =
                DoubleStream.of(medians).map(x -> (x - mean) * (x - mean)).sum();
        double between = Math.sqrt(squares / Math.max(1, medians.length - 1));
        return Math.max(scatter, between) / Math.sqrt(rounds.length);
    }

    /** These and the values of more rounds. */
    Samples and(Samples more) {
        return new Samples(joined(nanoseconds, more.nanoseconds), joined(bytes, more.bytes));
    }

    private static double[][] joined(double[][] a, double[][] b) {
        double[][] all = Arrays.copyOf(a, a.length + b.length);
        System.arraycopy(b, 0, all, a.length, b.length);
        return all;
    }
}
