package org.coolsd.training.sweep;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.coolsd.training.evaluation.Estimate;
import org.junit.jupiter.api.Test;

/** Curves are compared where they are equal in something else; cells have names and seeds of their own. */
class ComparisonTest {
    private static Figures point(Method method, double knob, double drift, double length) {
        Cell cell = new Cell(method, knob, Cell.Source.EAGLE, false, 5, 1);
        return new Figures(
                cell,
                10,
                Map.of(
                        Metric.DRIFT,
                        Estimate.exactly(drift, 2),
                        Metric.ACCEPTED_LENGTH,
                        new Estimate(length, new double[] {length - 0.1, length + 0.1})),
                null,
                1);
    }

    @Test
    void curvesAreComparedWhereTheyMeet() {
        // Lengths 4 + drift / 10 and 3 + drift / 10, at drifts that differ.
        List<Figures> above = List.of(
                point(Method.CLAMPED, 1.1, 2, 4.2),
                point(Method.CLAMPED, 1.3, 6, 4.6),
                point(Method.CLAMPED, 2, 12, 5.2));
        List<Figures> below = List.of(point(Method.EXPONENTIAL, 1.1, 4, 3.4), point(Method.EXPONENTIAL, 2, 14, 4.4));
        Comparison found = Comparison.atEqual(5, above, below, Metric.DRIFT, Metric.ACCEPTED_LENGTH)
                .orElseThrow();
        assertThat(found.difference().value()).isCloseTo(1, within(1e-9));
        // At 6 and 12 of the first, at 4 of the second; 2 and 14 are beyond the other's ends.
        assertThat(found.places()).isEqualTo(3);
        assertThat(Comparison.atEqual(5, above, List.of(below.get(1)), Metric.DRIFT, Metric.ACCEPTED_LENGTH))
                .isEmpty();
    }

    private static void add(
            Map<Cell, Figures> all,
            Cell.Source drafts,
            Method method,
            double knob,
            int images,
            double length,
            double frechet) {
        Cell cell = new Cell(method, knob, drafts, false, 5, 1);
        Map<Metric, Estimate> estimates = Map.of(
                Metric.ACCEPTED_LENGTH,
                new Estimate(length, new double[] {length - 0.1, length + 0.1}),
                Metric.FRECHET,
                Estimate.exactly(frechet, 2),
                Metric.COST,
                Estimate.exactly(1 / length, 2));
        all.put(cell, new Figures(cell, images, estimates, null, 1));
    }

    private static Comparison only(Map<Cell, Figures> all, int claim, Metric metric, String what) {
        List<Comparison> found = Claims.of(all, Map.of(), 16).stream()
                .filter(c -> c.claim() == claim
                        && c.metric().equals(metric.toString())
                        && c.what().startsWith(what))
                .toList();
        assertThat(found).hasSize(1);
        return found.get(0);
    }

    @Test
    void distancesAreComparedAmongCellsWithAsManyImages() {
        Map<Cell, Figures> all = new LinkedHashMap<>();
        add(all, Cell.Source.EAGLE, Method.EXPONENTIAL, 1.1, 40, 4, 10);
        add(all, Cell.Source.EAGLE, Method.EXPONENTIAL, 1.5, 20, 4.5, 99);
        add(all, Cell.Source.EAGLE, Method.EXPONENTIAL, 2, 40, 5, 12);
        add(all, Cell.Source.EAGLE, Method.UNIFORM, 1.1, 40, 4.5, 8);
        add(all, Cell.Source.EAGLE, Method.UNIFORM, 1.3, 20, 4.7, 50);
        Comparison found = only(all, 2, Metric.FRECHET, "exponential-eagle-token-L5 - uniform-eagle-token-L5");
        assertThat(found.difference().value()).isCloseTo(11 - 8, within(1e-9));
        assertThat(found.places()).isEqualTo(1);
    }

    @Test
    void theGainTurnsBetweenAWeakAndAStrongDrafter() {
        Map<Cell, Figures> all = new LinkedHashMap<>();
        add(all, Cell.Source.WEAK, Method.LOSSLESS, 0, 20, 2.5, 1);
        add(all, Cell.Source.WEAK, Method.EXPONENTIAL, 1.1, 20, 2.8, 1);
        add(all, Cell.Source.EAGLE, Method.LOSSLESS, 0, 20, 4, 1);
        add(all, Cell.Source.EAGLE, Method.EXPONENTIAL, 1.1, 20, 3.6, 1);
        // The gain falls from 0.3 to -0.4 while lossless decoding rises from 2.5 to 4.
        assertThat(only(all, 1, Metric.ACCEPTED_LENGTH, "lossless accepted length")
                        .difference()
                        .value())
                .isCloseTo(2.5 + 1.5 * 3 / 7, within(1e-9));
        assertThat(only(all, 1, Metric.ACCEPTED_LENGTH, "exponential-1.1-weak")
                        .difference()
                        .value())
                .isCloseTo(0.3, within(1e-9));
    }

    @Test
    void cellsHaveNamesAndSeedsOfTheirOwn() {
        List<Cell> cells = Plan.full(true);
        Set<String> names = new HashSet<>();
        Set<Long> seeds = new HashSet<>();
        List<Long> all = new ArrayList<>();
        for (Cell cell : cells) {
            names.add(cell.name());
            for (int round = 0; round < 3; round++) {
                // Seeds of the images of a round: none is another's.
                all.add(cell.seed(round, 0) >> 20);
                seeds.add(cell.seed(round, 0) >> 20);
            }
        }
        assertThat(names).hasSameSizeAs(cells);
        assertThat(seeds).hasSameSizeAs(all);
        assertThat(new Cell(Method.EXPONENTIAL, 1.1, Cell.Source.EAGLE, true, 8, 1.5).name())
                .isEqualTo("exponential-1.1-eagle@1.5-block-L8");
        assertThat(new Cell(Method.EXPONENTIAL, 1.1, Cell.Source.EAGLE, true, 8, 1).curve())
                .isEqualTo("exponential-eagle-block-L8");
        assertThat(Plan.full(true)).containsAll(Plan.quick(true));
        assertThat(Plan.full(false)).noneMatch(cell -> cell.drafts() == Cell.Source.WEAK);
    }
}
