package org.coolsd.training.evaluation;

import java.util.Arrays;
import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;

/**
 * A figure and what it would have been in bootstrap samples of its images. Arithmetic is done sample by sample, so that the
 * spread of what is computed of figures of the same images is right, and figures of different images are independent.
 *
 * @param value the figure
 * @param samples the figure in each bootstrap sample; every estimate of a comparison has as many
 */
public record Estimate(double value, double[] samples) {
    private static final double NORMAL_95 = 1.959964;

    /** A number that is known. */
    public static Estimate exactly(double value, int samples) {
        double[] all = new double[samples];
        Arrays.fill(all, value);
        return new Estimate(value, all);
    }

    /**
     * An estimate whose samples are moved so that their mean is the figure: for distances, which are larger between samples
     * with repeated images than between the samples that these were drawn from.
     */
    public static Estimate centred(double value, double[] samples) {
        double mean = Arrays.stream(samples).average().orElse(value);
        return new Estimate(
                value, Arrays.stream(samples).map(x -> x - mean + value).toArray());
    }

    /** {@code function} of this. */
    public Estimate map(DoubleUnaryOperator function) {
        return new Estimate(
                function.applyAsDouble(value),
                Arrays.stream(samples).map(function).toArray());
    }

    /** {@code function} of this and {@code other}, sample by sample. */
    public Estimate with(Estimate other, DoubleBinaryOperator function) {
        if (samples.length != other.samples.length) {
            throw new IllegalArgumentException("there are " + samples.length + " samples and " + other.samples.length
                    + "; equal counts are needed");
        }
        double[] all = new double[samples.length];
        Arrays.setAll(all, i -> function.applyAsDouble(samples[i], other.samples[i]));
        return new Estimate(function.applyAsDouble(value, other.value), all);
    }

    /** This plus {@code other}. */
    public Estimate plus(Estimate other) {
        return with(other, Double::sum);
    }

    /** This minus {@code other}. */
    public Estimate minus(Estimate other) {
        return with(other, (a, b) -> a - b);
    }

    /** The deviation of the samples: the figure's standard error. */
    public double error() {
        double mean = Arrays.stream(samples).average().orElse(Double.NaN);
        double squares =
                Arrays.stream(samples).map(x -> (x - mean) * (x - mean)).sum();
        return Math.sqrt(squares / Math.max(1, samples.length - 1));
    }

    /** Half the width of the 95 % interval, by the normal law. */
    public double half() {
        return NORMAL_95 * error();
    }

    /** The two-sided p-value of "it is 0 in truth", by the normal law; 1 where figure and error are both 0. */
    public double pValue() {
        double error = error();
        if (error == 0) {
            return value == 0 ? 1 : 0;
        }
        return 2 * upperTail(Math.abs(value) / error);
    }

    /** P(Z > z) of a standard normal Z for z >= 0, to 1e-7 (Abramowitz and Stegun 26.2.17). */
    static double upperTail(double z) {
        double t = 1 / (1 + 0.2316419 * z);
        double sum = t * (0.319381530 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
        return Math.exp(-z * z / 2) / Math.sqrt(2 * Math.PI) * sum;
    }
}
