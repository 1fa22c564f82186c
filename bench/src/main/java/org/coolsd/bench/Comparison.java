package org.coolsd.bench;

import java.util.List;
import java.util.Map;
import org.coolsd.bench.Figure.Bar;
import org.coolsd.bench.Figure.Kind;

/**
 * A figure before it is measured: {@code over} against {@code under}, both measured in the same run.
 *
 * @param name what is compared with what
 * @param where for which parameters
 * @param scale a ratio is multiplied by it
 * @param bar what is promised, or null
 */
record Comparison(String name, String where, Kind kind, Measure over, Measure under, double scale, Bar bar) {
    /** How many times longer {@code over} takes than {@code under}. */
    static Comparison times(String name, String where, Measure over, Measure under) {
        return new Comparison(name, where, Kind.TIMES, over, under, 1, null);
    }

    /** How many nanoseconds longer {@code over} takes. */
    static Comparison nanoseconds(String name, String where, Measure over, Measure under) {
        return new Comparison(name, where, Kind.NANOSECONDS, over, under, 1, null);
    }

    /** How many bytes a call of {@code over} allocates more than one of {@code under}, which allocates none. */
    static Comparison bytes(String name, String where, Measure over, Measure under) {
        return new Comparison(name, where, Kind.BYTES, over, under, 1, null);
    }

    /** With a factor for the ratio. */
    Comparison scaledBy(double factor) {
        return new Comparison(name, where, kind, over, under, factor, bar);
    }

    /** With a promise. */
    Comparison promising(Bar promise) {
        return new Comparison(name, where, kind, over, under, scale, promise);
    }

    /** What has to be measured for it. */
    List<Measure> measures() {
        return List.of(over, under);
    }

    /** The figure, from what was measured. */
    Figure figure(Map<Measure, Samples> measured) {
        Samples a = measured.get(over);
        Samples b = measured.get(under);
        double[][] first = kind == Kind.BYTES ? a.bytes() : a.nanoseconds();
        double[][] second = kind == Kind.BYTES ? b.bytes() : b.nanoseconds();
        double x = Samples.median(first);
        double y = Samples.median(second);
        double dx = Samples.noise(first);
        double dy = Samples.noise(second);
        if (kind == Kind.TIMES) {
            double ratio = scale * x / y;
            return new Figure(name, where, kind, ratio, ratio * Math.hypot(dx / x, dy / y), bar);
        }
        return new Figure(name, where, kind, x - y, Math.hypot(dx, dy), bar);
    }
}
