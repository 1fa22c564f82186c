package org.coolsd.bench;

import java.util.Map;
import java.util.TreeMap;

/**
 * One benchmark method with one value for each of its parameters.
 *
 * @param benchmark {@code VerifyBenchmark.library}, say
 * @param params by name
 */
record Measure(String benchmark, Map<String, String> params) {
    Measure {
        params = new TreeMap<>(params);
    }

    /** With another value of a parameter. */
    Measure with(String param, Object value) {
        Map<String, String> changed = new TreeMap<>(params);
        changed.put(param, String.valueOf(value));
        return new Measure(benchmark, changed);
    }

    /** Another benchmark with the same parameters. */
    Measure as(String other) {
        return new Measure(other, params);
    }

    @Override
    public String toString() {
        return benchmark + params;
    }
}
