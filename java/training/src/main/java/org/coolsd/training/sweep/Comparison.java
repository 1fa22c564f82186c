package org.coolsd.training.sweep;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.coolsd.training.evaluation.Estimate;

/**
 * One difference, with what it decides.
 *
 * @param claim number of the claim in docs/reproduction.md, 0 for what is beside them
 * @param what is subtracted from what
 * @param metric that is compared
 * @param at where: as the cells are, or at equal values of another metric
 * @param difference first minus second
 * @param p the p-value, or NaN to take it from the difference
 * @param places at how many points of the curves
 */
public record Comparison(int claim, String what, String metric, String at, Estimate difference, double p, int places) {
    /** Of two figures of single cells. */
    static Comparison of(int claim, Figures first, Figures second, Metric metric) {
        return new Comparison(
                claim,
                first.cell().name() + " - " + second.cell().name(),
                metric.toString(),
                "as they are",
                first.get(metric).minus(second.get(metric)),
                Double.NaN,
                1);
    }

    /** The p-value of "there is no difference". */
    public double pValue() {
        return Double.isNaN(p) ? difference.pValue() : p;
    }

    /**
     * The mean difference between two curves where they have the same {@code x}: at each point of either that lies within the
     * other's range, the other is interpolated linearly. Empty if there is no such point.
     */
    static Optional<Comparison> atEqual(int claim, List<Figures> first, List<Figures> second, Metric x, Metric y) {
        List<Estimate> differences = new ArrayList<>();
        for (Figures point : first) {
            interpolated(second, point.get(x), x, y)
                    .ifPresent(other -> differences.add(point.get(y).minus(other)));
        }
        for (Figures point : second) {
            interpolated(first, point.get(x), x, y).ifPresent(other -> differences.add(other.minus(point.get(y))));
        }
        if (differences.isEmpty()) {
            return Optional.empty();
        }
        Estimate sum = differences.stream().reduce(Estimate::plus).orElseThrow();
        return Optional.of(new Comparison(
                claim,
                first.get(first.size() - 1).cell().curve() + " - "
                        + second.get(second.size() - 1).cell().curve(),
                y.toString(),
                "equal " + x,
                sum.map(d -> d / differences.size()),
                Double.NaN,
                differences.size()));
    }

    /** {@code y} of a curve where its {@code x} is {@code at}; the ends of the curve themselves are left out. */
    private static Optional<Estimate> interpolated(List<Figures> curve, Estimate at, Metric x, Metric y) {
        List<Figures> sorted = curve.stream()
                .sorted(Comparator.comparingDouble(f -> f.get(x).value()))
                .toList();
        for (int i = 1; i < sorted.size(); i++) {
            Figures low = sorted.get(i - 1);
            Figures high = sorted.get(i);
            if (low.get(x).value() < at.value() && at.value() < high.get(x).value()) {
                Estimate share = at.minus(low.get(x)).with(high.get(x).minus(low.get(x)), (a, b) -> a / b);
                Estimate rise = high.get(y).minus(low.get(y));
                return Optional.of(low.get(y).plus(share.with(rise, (a, b) -> a * b)));
            }
        }
        return Optional.empty();
    }
}
