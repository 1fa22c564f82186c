package org.coolsd.bench;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Which figures of two results files differ by more than their noise.
 *
 * @param moved in the order of the first file
 * @param compared how many figures both files have
 * @param unmatched how many only one of them has
 */
record ResultsComparison(List<Move> moved, int compared, int unmatched) {
    /** Standard errors of the difference that count as a move: the scatter within a process overstates its part. */
    private static final double ERRORS = 3;

    /** A ratio that moved by less is the same one, whatever its noise claims. */
    private static final double LEAST_RATIO = 0.05;

    /** A difference of times that moved by less is the same one: the resolution of a call's cost. */
    private static final double LEAST_NANOSECONDS = 20;

    /** Less than one object in two calls is no allocation per call. */
    private static final double LEAST_BYTES = 8;

    /** One figure before and after. */
    record Move(Figure before, Figure after) {
        @Override
        public String toString() {
            return "%s (%s): %s -> %s"
                    .formatted(
                            before.name(),
                            before.where(),
                            before.kind().text(before.value()),
                            after.kind().text(after.value()));
        }
    }

    static ResultsComparison of(Results before, Results after) {
        Map<List<String>, Figure> later = new LinkedHashMap<>();
        after.figures().forEach(figure -> later.put(key(figure), figure));
        List<Move> moved = new ArrayList<>();
        int compared = 0;
        int unmatched = 0;
        for (Figure figure : before.figures()) {
            Figure match = later.remove(key(figure));
            if (match == null) {
                unmatched++;
            } else {
                compared++;
                if (beyondNoise(figure, match)) {
                    moved.add(new Move(figure, match));
                }
            }
        }
        return new ResultsComparison(moved, compared, unmatched + later.size());
    }

    private static List<String> key(Figure figure) {
        return List.of(figure.name(), figure.where());
    }

    private static boolean beyondNoise(Figure before, Figure after) {
        double least =
                switch (before.kind()) {
                    case TIMES -> LEAST_RATIO * before.value();
                    case NANOSECONDS -> LEAST_NANOSECONDS;
                    case BYTES -> LEAST_BYTES;
                };
        double allowed = Math.max(least, ERRORS * Math.hypot(before.noise(), after.noise()));
        return Math.abs(after.value() - before.value()) > allowed;
    }
}
