package org.coolsd.bench;

import java.util.Locale;

/**
 * One line of the table.
 *
 * @param name what is compared with what
 * @param where for which parameters
 * @param kind of {@code value}
 * @param value from medians
 * @param noise standard error of {@code value}
 * @param bar what was promised, or null
 */
record Figure(String name, String where, Kind kind, double value, double noise, Bar bar) {
    /** What a figure counts. */
    enum Kind {
        /** A ratio of times. */
        TIMES("x"),
        /** A difference of times per call. */
        NANOSECONDS(" ns"),
        /** Bytes on the Java heap per call. */
        BYTES(" B");

        private final String unit;

        Kind(String unit) {
            this.unit = unit;
        }

        /** {@code value} with its unit, three digits. */
        String text(double value) {
            int decimals = this == NANOSECONDS || Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
            return String.format(Locale.ROOT, "%." + decimals + "f%s", value, unit);
        }
    }

    /**
     * A bound that a figure was promised to keep.
     *
     * @param least whether {@code bound} is the least value, not the largest
     */
    record Bar(boolean least, double bound) {
        static Bar atLeast(double bound) {
            return new Bar(true, bound);
        }

        static Bar atMost(double bound) {
            return new Bar(false, bound);
        }

        boolean keeps(double value) {
            return least ? value >= bound : value <= bound;
        }
    }

    /** What {@link #bar} wanted and whether it got it, or nothing. */
    String verdict() {
        if (bar == null) {
            return "";
        }
        return (bar.least() ? ">= " : "<= ") + kind.text(bar.bound()) + (bar.keeps(value) ? "  met" : "  MISSED");
    }
}
