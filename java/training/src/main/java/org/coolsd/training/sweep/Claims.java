package org.coolsd.training.sweep;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.coolsd.training.evaluation.Estimate;
import org.coolsd.training.evaluation.PermutationTest;
import org.coolsd.training.sweep.Cell.Source;

/** The six claims of docs/reproduction.md, as far as the cells that were made decide them. */
public final class Claims {
    private static final int PERMUTATIONS = 999;

    /** Curves that begin at lossless decoding: their knob can be turned until every factor is 1. */
    private static final List<Method> FROM_LOSSLESS = List.of(
            Method.UNIFORM,
            Method.CLAMPED,
            Method.RISING,
            Method.STRICT_TOP,
            Method.BUDGET,
            Method.AFFINE,
            Method.ENTROPY,
            Method.LANTERN_OPTIMAL,
            Method.LANTERN_PLUS);

    private final Map<Cell, Figures> figures;
    private final Map<Cell, CellImages> images;
    private final int vocab;
    private final List<Comparison> comparisons = new ArrayList<>();

    private Claims(Map<Cell, Figures> figures, Map<Cell, CellImages> images, int vocab) {
        this.figures = figures;
        this.images = images;
        this.vocab = vocab;
    }

    /**
     * All comparisons that can be made.
     *
     * @param figures of each cell
     * @param images the same cells'
     * @param vocab tokens are 0..vocab-1
     */
    public static List<Comparison> of(Map<Cell, Figures> figures, Map<Cell, CellImages> images, int vocab) {
        Claims claims = new Claims(figures, images, vocab);
        claims.order();
        claims.annealing();
        claims.residual();
        claims.blocks();
        claims.rules();
        claims.exact();
        claims.places();
        return List.copyOf(claims.comparisons);
    }

    /** (1) The order of the paper's table, step by step, and where COOL-SD 1.1 stops accepting more than lossless decoding. */
    private void order() {
        for (Source drafts : new Source[] {Source.WEAK, Source.EAGLE}) {
            Cell lossless = token(Method.LOSSLESS, 0, drafts);
            Cell plus = token(Method.LANTERN_PLUS, 2, drafts);
            Cell cool = token(Method.EXPONENTIAL, 1.1, drafts);
            compare(1, cool, lossless, Metric.ACCEPTED_LENGTH);
            compare(1, plus, lossless, Metric.ACCEPTED_LENGTH);
            compare(1, cool, plus, Metric.ACCEPTED_LENGTH);
            compare(1, token(Method.EXPONENTIAL, 2, drafts), cool, Metric.ACCEPTED_LENGTH);
        }
        turn().ifPresent(comparisons::add);
    }

    /** The accepted length of lossless decoding at which COOL-SD 1.1 accepts as much, among drafters from weak to strong. */
    private Optional<Comparison> turn() {
        List<Figures[]> pairs = new ArrayList<>();
        for (Cell lossless : figures.keySet()) {
            Cell cool = new Cell(
                    Method.EXPONENTIAL,
                    1.1,
                    lossless.drafts(),
                    false,
                    lossless.draftLength(),
                    lossless.draftTemperature());
            boolean pair = lossless.method() == Method.LOSSLESS
                    && !lossless.block()
                    && lossless.draftLength() == Plan.LENGTH
                    && List.of(Source.WEAK, Source.EAGLE).contains(lossless.drafts())
                    && figures.containsKey(cool);
            if (pair) {
                pairs.add(new Figures[] {figures.get(lossless), figures.get(cool)});
                if (lossless.draftTemperature() != 1) {
                    compare(1, cool, lossless, Metric.ACCEPTED_LENGTH);
                }
            }
        }
        pairs.sort(Comparator.comparingDouble(
                pair -> pair[0].get(Metric.ACCEPTED_LENGTH).value()));
        for (int i = 1; i < pairs.size(); i++) {
            Estimate low = gain(pairs.get(i - 1));
            Estimate high = gain(pairs.get(i));
            if (low.value() > 0 && high.value() <= 0) {
                Estimate from = pairs.get(i - 1)[0].get(Metric.ACCEPTED_LENGTH);
                Estimate to = pairs.get(i)[0].get(Metric.ACCEPTED_LENGTH);
                Estimate share = low.with(low.minus(high), (a, b) -> a / b);
                Estimate at = from.plus(share.with(to.minus(from), (a, b) -> a * b));
                return Optional.of(new Comparison(
                        1,
                        "lossless accepted length at which exponential 1.1 accepts as much",
                        Metric.ACCEPTED_LENGTH.toString(),
                        "no gain",
                        at,
                        Double.NaN,
                        pairs.size()));
            }
        }
        return Optional.empty();
    }

    private static Estimate gain(Figures[] pair) {
        return pair[1].get(Metric.ACCEPTED_LENGTH).minus(pair[0].get(Metric.ACCEPTED_LENGTH));
    }

    /** (2) Exponential against uniform at equal accepted length. */
    private void annealing() {
        for (Source drafts : new Source[] {Source.WEAK, Source.EAGLE}) {
            for (boolean block : new boolean[] {false, true}) {
                for (Metric metric : new Metric[] {Metric.DRIFT, Metric.FRECHET, Metric.LOG_PROB}) {
                    atEqual(
                            2,
                            curve(Method.EXPONENTIAL, drafts, block, Plan.LENGTH),
                            curve(Method.UNIFORM, drafts, block, Plan.LENGTH),
                            Metric.ACCEPTED_LENGTH,
                            metric);
                }
            }
        }
    }

    /** (3) The best residual against LANTERN's own, at the same lambda. */
    private void residual() {
        for (Cell cell : figures.keySet()) {
            if (cell.method() == Method.LANTERN_OPTIMAL) {
                Cell own = new Cell(Method.LANTERN_PLUS, cell.knob(), cell.drafts(), false, cell.draftLength(), 1);
                for (Metric metric : new Metric[] {
                    Metric.ACCEPTED_LENGTH, Metric.FRECHET, Metric.HISTOGRAM, Metric.LOG_PROB, Metric.AGREEMENT
                }) {
                    compare(3, cell, own, metric);
                }
            }
        }
    }

    /** (4) Blocks against tokens at equal drift. */
    private void blocks() {
        for (int length : lengths()) {
            compare(
                    4,
                    new Cell(Method.LOSSLESS, 0, Source.EAGLE, true, length, 1),
                    new Cell(Method.LOSSLESS, 0, Source.EAGLE, false, length, 1),
                    Metric.ACCEPTED_LENGTH);
        }
        for (Method method : new Method[] {Method.EXPONENTIAL, Method.CLAMPED, Method.UNIFORM, Method.BUDGET}) {
            for (int length : lengths()) {
                atEqual(
                        4,
                        curve(method, Source.EAGLE, true, length),
                        curve(method, Source.EAGLE, false, length),
                        Metric.DRIFT,
                        Metric.ACCEPTED_LENGTH);
            }
        }
        // At equal drift, whatever the schedule: the cheapest blocks against the cheapest tokens.
        for (Method method : new Method[] {Method.CLAMPED, Method.BUDGET}) {
            atEqual(
                    4,
                    curve(method, Source.EAGLE, true, cheapest(method, true)),
                    curve(method, Source.EAGLE, false, cheapest(method, false)),
                    Metric.DRIFT,
                    Metric.COST);
        }
        // The same factors: what a block changes by itself.
        for (Metric metric : new Metric[] {Metric.ACCEPTED_LENGTH, Metric.DRIFT}) {
            for (Source drafts : new Source[] {Source.WEAK, Source.EAGLE}) {
                Cell tokens = token(Method.EXPONENTIAL, 1.1, drafts);
                compare(4, new Cell(Method.EXPONENTIAL, 1.1, drafts, true, Plan.LENGTH, 1), tokens, metric);
            }
        }
    }

    /** (5) Other rules against the exponential schedule, each at the draft length that is cheapest for it. */
    private void rules() {
        Method[] others = {Method.CLAMPED, Method.BUDGET, Method.AFFINE, Method.ENTROPY, Method.UNIFORM};
        for (Method method : others) {
            List<Figures> other = curve(method, Source.EAGLE, false, Plan.LENGTH);
            List<Figures> exponential = curve(Method.EXPONENTIAL, Source.EAGLE, false, Plan.LENGTH);
            atEqual(5, other, exponential, Metric.DRIFT, Metric.ACCEPTED_LENGTH);
            atEqual(5, other, exponential, Metric.DRIFT, Metric.FRECHET);
            atEqual(5, other, exponential, Metric.ACCEPTED_LENGTH, Metric.FRECHET);
            atEqual(
                    5,
                    curve(method, Source.EAGLE, false, cheapest(method, false)),
                    curve(Method.EXPONENTIAL, Source.EAGLE, false, cheapest(Method.EXPONENTIAL, false)),
                    Metric.DRIFT,
                    Metric.COST);
        }
        // Among blocks, and the best of blocks against the best of tokens.
        for (Method method : new Method[] {Method.CLAMPED, Method.BUDGET, Method.UNIFORM}) {
            List<Figures> other = curve(method, Source.EAGLE, true, Plan.LENGTH);
            List<Figures> exponential = curve(Method.EXPONENTIAL, Source.EAGLE, true, Plan.LENGTH);
            atEqual(5, other, exponential, Metric.DRIFT, Metric.ACCEPTED_LENGTH);
            atEqual(5, other, exponential, Metric.ACCEPTED_LENGTH, Metric.FRECHET);
        }
        atEqual(
                5,
                curve(Method.BUDGET, Source.EAGLE, false, Plan.LENGTH),
                curve(Method.CLAMPED, Source.EAGLE, false, Plan.LENGTH),
                Metric.DRIFT,
                Metric.ACCEPTED_LENGTH);
    }

    /** The draft length at which the method's images cost least on average, over the knobs that it has at every length. */
    private int cheapest(Method method, boolean block) {
        Map<Integer, Map<Double, Double>> costs = new TreeMap<>();
        figures.forEach((cell, found) -> {
            if (cell.method() == method
                    && cell.drafts() == Source.EAGLE
                    && cell.block() == block
                    && cell.draftTemperature() == 1) {
                costs.computeIfAbsent(cell.draftLength(), length -> new TreeMap<>())
                        .put(cell.knob(), found.get(Metric.COST).value());
            }
        });
        Set<Double> knobs = costs.isEmpty()
                ? Set.of()
                : new TreeSet<>(costs.values().iterator().next().keySet());
        costs.values().forEach(ofLength -> knobs.retainAll(ofLength.keySet()));
        return costs.entrySet().stream()
                .min(Comparator.comparingDouble(ofLength ->
                        knobs.stream().mapToDouble(ofLength.getValue()::get).sum()))
                .map(Map.Entry::getKey)
                .orElse(Plan.LENGTH);
    }

    /** (6) What keeps the law, against the target: token histograms by permutation, the others by their difference. */
    private void exact() {
        Cell target = Cell.plain(Method.TARGET);
        for (Cell cell : figures.keySet()) {
            boolean exact = cell.method() == Method.LOSSLESS;
            if (exact && figures.containsKey(target)) {
                compare(6, cell, target, Metric.LOG_PROB);
                compare(6, cell, target, Metric.FRECHET);
            }
            CellImages reference = images.get(Cell.plain(Method.REFERENCE));
            if ((exact || cell.method() == Method.TARGET) && reference != null) {
                permuted(cell, reference);
            }
        }
    }

    /** The token histogram of a cell against as many of the target's images, class by class. */
    private void permuted(Cell cell, CellImages reference) {
        CellImages own = images.get(cell);
        int n = Math.min(own.size(), reference.size());
        int[][] first = Arrays.copyOf(own.tokens(), n);
        int[][] second = Arrays.copyOf(reference.tokens(), n);
        if (!Arrays.equals(Arrays.copyOf(own.labels(), n), Arrays.copyOf(reference.labels(), n))) {
            return;
        }
        Figures measured = figures.get(cell);
        if (measured.has(Metric.HISTOGRAM)) {
            comparisons.add(new Comparison(
                    6,
                    cell.name() + " against the target",
                    Metric.HISTOGRAM.toString(),
                    n + " images each by permutation",
                    measured.get(Metric.HISTOGRAM),
                    PermutationTest.pValue(first, second, vocab, PERMUTATIONS, 1),
                    1));
        }
    }

    /** Where to relax, at equal drift: by position in the draft, by place in the image, by entropy. */
    private void places() {
        List<Figures> falling = curve(Method.CLAMPED, Source.EAGLE, false, Plan.LENGTH);
        for (Method method : new Method[] {Method.RISING, Method.UNIFORM, Method.STRICT_TOP, Method.ENTROPY}) {
            List<Figures> other = curve(method, Source.EAGLE, false, Plan.LENGTH);
            atEqual(0, other, falling, Metric.DRIFT, Metric.ACCEPTED_LENGTH);
            atEqual(0, other, falling, Metric.DRIFT, Metric.FRECHET);
        }
    }

    private static Cell token(Method method, double knob, Source drafts) {
        return new Cell(method, knob, drafts, false, Plan.LENGTH, 1);
    }

    private List<Integer> lengths() {
        return figures.keySet().stream()
                .filter(c -> c.drafts() == Source.EAGLE)
                .map(Cell::draftLength)
                .distinct()
                .sorted()
                .toList();
    }

    /** The points of a curve, with lossless decoding where it begins there; empty if the method has no cell of this kind. */
    private List<Figures> curve(Method method, Source drafts, boolean block, int length) {
        Map<Cell, Figures> points = new LinkedHashMap<>();
        boolean begins = FROM_LOSSLESS.contains(method) || block;
        figures.forEach((cell, found) -> {
            boolean same = cell.drafts() == drafts
                    && cell.block() == block
                    && cell.draftLength() == length
                    && cell.draftTemperature() == 1;
            if (same && (cell.method() == method || begins && cell.method() == Method.LOSSLESS)) {
                points.put(cell, found);
            }
        });
        Collection<Figures> all = points.values();
        return all.stream().anyMatch(f -> f.cell().method() == method) ? List.copyOf(all) : List.of();
    }

    private void compare(int claim, Cell first, Cell second, Metric metric) {
        Figures a = figures.get(first);
        Figures b = figures.get(second);
        boolean comparable = a != null
                && b != null
                && a.has(metric)
                && b.has(metric)
                && (a.images() == b.images() || !metric.growsWithFewerImages());
        if (comparable) {
            comparisons.add(Comparison.of(claim, a, b, metric));
        }
    }

    private void atEqual(int claim, List<Figures> one, List<Figures> other, Metric x, Metric y) {
        List<Figures> first = with(one, x, y);
        List<Figures> second = with(other, x, y);
        if (!y.growsWithFewerImages()) {
            if (!first.isEmpty() && !second.isEmpty()) {
                Comparison.atEqual(claim, first, second, x, y).ifPresent(comparisons::add);
            }
            return;
        }
        // Among the cells with as many images, of which those with the most.
        Set<Integer> counts = new TreeSet<>(Comparator.reverseOrder());
        first.forEach(f -> counts.add(f.images()));
        for (int count : counts) {
            List<Figures> some = ofCount(first, count);
            List<Figures> others = ofCount(second, count);
            Optional<Comparison> found = some.isEmpty() || others.isEmpty()
                    ? Optional.empty()
                    : Comparison.atEqual(claim, some, others, x, y);
            if (found.isPresent()) {
                comparisons.add(found.get());
                return;
            }
        }
    }

    /** The points of a curve with so many images; none if that leaves only lossless decoding, which is on many curves. */
    private static List<Figures> ofCount(List<Figures> curve, int count) {
        List<Figures> found = curve.stream().filter(f -> f.images() == count).toList();
        return found.stream().anyMatch(f -> f.cell().method() != Method.LOSSLESS) ? found : List.of();
    }

    /** The points of a curve that have both metrics. */
    private static List<Figures> with(List<Figures> curve, Metric x, Metric y) {
        return curve.stream().filter(f -> f.has(x) && f.has(y)).toList();
    }
}
