package org.coolsd;

import java.util.Arrays;
import java.util.Comparator;

/**
 * From logits to probabilities in float64, written for reading. Only the guided logit is f32, because the contract says
 * so.
 *
 * @param p probabilities [V]
 * @param margin how far top-p's decision is from its boundary, in probability; 1 where it decides nothing
 */
record ReferenceLaw(double[] p, double margin) {
    /** u + g (c - u) in f32; -inf in one half masks the token, unless the other is NaN or +inf. */
    static float[] guide(float[] conditional, float[] unconditional, float guidance) {
        float[] x = conditional.clone();
        for (int v = 0; v < x.length && unconditional != null; v++) {
            float c = conditional[v];
            float u = unconditional[v];
            boolean masked = Math.min(c, u) == Float.NEGATIVE_INFINITY;
            float guided = u + guidance * (c - u);
            x[v] = masked
                    ? Math.max(c, u) == Float.POSITIVE_INFINITY ? Float.POSITIVE_INFINITY : Float.NEGATIVE_INFINITY
                    : guided;
        }
        return x;
    }

    /** What is wrong with one row, or OK: the first bad token of its window in vocabulary order, or nothing but -inf. */
    static Status status(float[] conditional, float[] unconditional, Sampling sampling) {
        float[] x = guide(conditional, unconditional, sampling.guidance());
        int hi = sampling.windowTo() == 0 ? x.length : sampling.windowTo();
        boolean empty = true;
        for (int v = sampling.windowFrom(); v < hi; v++) {
            if (Float.isNaN(x[v]) || x[v] == Float.POSITIVE_INFINITY) {
                return Float.isNaN(x[v]) ? Status.NAN : Status.INFINITE;
            }
            empty &= x[v] == Float.NEGATIVE_INFINITY;
        }
        return empty ? Status.EMPTY : Status.OK;
    }

    /** The law of one row; {@code unconditional} may be null. */
    static ReferenceLaw of(float[] conditional, float[] unconditional, Sampling sampling) {
        float[] x = guide(conditional, unconditional, sampling.guidance());
        int lo = sampling.windowFrom();
        int hi = sampling.windowTo() == 0 ? x.length : sampling.windowTo();
        boolean greedy = sampling.temperature() == 0;
        Integer[] order = new Integer[hi - lo];
        Arrays.setAll(order, i -> lo + i);
        boolean cut = greedy || sampling.topK() > 0 || sampling.topP() < 1;
        if (cut) {
            Arrays.sort(
                    order,
                    Comparator.<Integer>comparingDouble(v -> -(x[v] + 0.0)).thenComparingInt(v -> v));
        }
        int kept = greedy ? 1 : sampling.topK() == 0 ? hi - lo : Math.min(sampling.topK(), hi - lo);
        double largest = Double.NEGATIVE_INFINITY;
        for (int v = lo; v < hi; v++) {
            largest = Math.max(largest, x[v]);
        }
        double[] p = new double[x.length];
        double mass = 0;
        for (int i = 0; i < kept; i++) {
            int v = order[i];
            p[v] = greedy ? 1 : Math.exp((x[v] - largest) / sampling.temperature());
            mass += p[v];
        }
        double margin = 1;
        if (sampling.topP() < 1 && !greedy) {
            double reached = 0;
            int n = 0;
            while (n < kept && reached / mass < sampling.topP()) {
                margin = Math.min(margin, sampling.topP() - reached / mass);
                reached += p[order[n++]];
            }
            margin = Math.min(margin, Math.abs(reached / mass - sampling.topP()));
            for (int i = n; i < kept; i++) {
                p[order[i]] = 0;
            }
            mass = reached;
        }
        for (int v = 0; v < p.length; v++) {
            p[v] /= mass;
        }
        return new ReferenceLaw(p, margin);
    }
}
