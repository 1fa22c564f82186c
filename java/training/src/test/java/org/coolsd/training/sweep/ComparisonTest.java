package org.coolsd.training.sweep;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.HashSet;
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
