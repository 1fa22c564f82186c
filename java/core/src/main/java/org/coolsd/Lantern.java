package org.coolsd;

import java.util.Objects;

/**
 * LANTERN's acceptance (arXiv 2410.03355, 2502.06352): a draft token x is accepted with min(1, P'(x) / Q(x)), where P'
 * adds to P(x) the longest run of nearest neighbours whose sum stays within the bound.
 *
 * @param table neighbours of every token
 * @param plusPlus whether the bound is (lambda - 1) P(x) instead of delta
 * @param bound delta, at least 0, or lambda, at least 1
 * @param optimal whether a rejection resamples from Norm([P - Q f]+), V k gathers, instead of LANTERN's own residual
 */
public record Lantern(NeighbourTable table, boolean plusPlus, float bound, boolean optimal) implements Acceptance {
    /** Checks the bound. */
    public Lantern {
        Objects.requireNonNull(table, "table");
        float least = plusPlus ? 1 : 0;
        if (!(bound >= least) || Float.isInfinite(bound)) {
            throw new IllegalArgumentException("bound is " + bound + ", it must be finite and at least " + least);
        }
    }

    /** LANTERN with bound delta. */
    public static Lantern of(NeighbourTable table, double delta) {
        return new Lantern(table, false, (float) delta, false);
    }

    /** LANTERN++ with bound (lambda - 1) P(x). */
    public static Lantern plusPlus(NeighbourTable table, double lambda) {
        return new Lantern(table, true, (float) lambda, false);
    }

    /** With the provably best residual; needed for drift and ratio reports. */
    public Lantern optimalResidual() {
        return new Lantern(table, plusPlus, bound, true);
    }
}
