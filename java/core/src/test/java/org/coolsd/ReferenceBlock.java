package org.coolsd;

import java.util.Arrays;

/**
 * Block verification of one draft in float64 (docs/method.md, "Block verification"), written for reading, and the ways of
 * getting it wrong that the tests must be able to tell from it.
 */
final class ReferenceBlock {
    /** A planted defect. */
    enum Defect {
        NONE,
        /** h_i = p_i: what later positions accept anyway is not taken out. */
        LENGTH_WITHOUT_SUMS,
        /** P stands where Phat should at the relaxed positions. */
        TARGET_FOR_RELAXED_LAW,
        /** p_i = min(1, Phat_i/Q_i), whatever p_{i-1} was. */
        PREFIX_NOT_CARRIED,
        /** One uniform for all positions. */
        SHARED_UNIFORM,
        /** The residual after tau tokens uses p_{tau+1}. */
        NEXT_PREFIX_IN_RESIDUAL
    }

    private final Defect defect;
    private final double[][] law;
    private final double[][] q;
    private final double[] prefix;
    private final double[] sums;
    private final double[] thresholds;

    /**
     * @param p [n+1][V], P of the draft positions and of the bonus
     * @param law [n+1][V], Phat of the draft positions, and P of the bonus
     * @param q [n][V]
     * @param draft [n]
     */
    ReferenceBlock(double[][] p, double[][] law, double[][] q, int[] draft, Defect defect) {
        int n = draft.length;
        this.defect = defect;
        this.law = defect == Defect.TARGET_FOR_RELAXED_LAW ? p : law;
        this.q = q;
        prefix = new double[n + 1];
        sums = new double[n];
        thresholds = new double[n + 1];
        prefix[0] = 1;
        for (int i = 1; i <= n; i++) {
            double before = defect == Defect.PREFIX_NOT_CARRIED ? 1 : prefix[i - 1];
            prefix[i] = ReferenceVerifier.acceptanceOf(before * this.law[i - 1][draft[i - 1]], q[i - 1][draft[i - 1]]);
        }
        for (int i = 0; i < n; i++) {
            sums[i] = ReferenceVerifier.sum(excess(prefix[i], i));
        }
        thresholds[0] = 1;
        for (int i = 1; i <= n; i++) {
            boolean plain = i == n || prefix[i] == 1 || defect == Defect.LENGTH_WITHOUT_SUMS;
            thresholds[i] = plain ? prefix[i] : sums[i] / (sums[i] + 1 - prefix[i]);
        }
    }

    /** p_i: the probability that at least i tokens are accepted, given the draft up to i. */
    double prefix(int i) {
        return prefix[i];
    }

    /** h_i: the probability that i tokens are accepted where no more are. */
    double threshold(int i) {
        return thresholds[i];
    }

    /**
     * How far u is from deciding otherwise at position i, as a difference of probabilities without a division. Where nothing can be
     * rejected behind i, and so S_i = 0 and p_i = 1, anything decides.
     *
     * @param p [n+1][V]
     * @param draft [n]
     */
    double margin(int i, double u, double[][] p, int[] draft) {
        double mine = i == q.length ? Math.abs(prefix[i] - u) : Math.abs(sums[i] - u * (sums[i] + 1 - prefix[i]));
        for (int j = 0; j < i; j++) {
            mine -= illPosed(j, p[j], draft[j]);
        }
        return mine;
    }

    /**
     * How far rounding moves what the prefix carries behind its i-th token. Phat of a token with P > Q contains c = 1 - D / sum R,
     * which is a quotient of rounded sums; that matters for tokens of which Q is tiny beside P.
     */
    private double illPosed(int i, double[] p, int token) {
        double x = p[token];
        double y = q[i][token];
        if (x <= y || law[i] == p || prefix[i] == 0) {
            return 0;
        }
        double slack = (x - y) * Math.min(1, 3e-7 / ReferenceVerifier.distance(p, q[i]));
        double less = ReferenceVerifier.acceptanceOf(prefix[i] * Math.max(law[i][token] - slack, 0), y);
        return ReferenceVerifier.acceptanceOf(prefix[i] * (law[i][token] + slack), y) - less;
    }

    /** [mass Phat_{i+1} - Q_{i+1}]+ */
    private double[] excess(double mass, int i) {
        double[] r = new double[q[i].length];
        for (int v = 0; v < r.length; v++) {
            r[v] = Math.max(mass * law[i][v] - q[i][v], 0);
        }
        return r;
    }

    /** What the token after {@code accepted} ones is drawn from, not normalised. */
    double[] drawnFrom(int accepted) {
        if (accepted == q.length) {
            return law[accepted];
        }
        double[] r = excess(prefix[defect == Defect.NEXT_PREFIX_IN_RESIDUAL ? accepted + 1 : accepted], accepted);
        return ReferenceVerifier.sum(r) > 0 ? r : law[accepted];
    }

    /** Whether rounding can decide if there is a residual: it is empty, and P leaves a choice. */
    boolean rounding(double[][] p, int accepted) {
        return accepted < q.length
                && ReferenceVerifier.sum(excess(prefix[accepted], accepted)) == 0
                && Arrays.stream(p[accepted]).filter(x -> x > 0).count() > 1;
    }

    /** Pr(i tokens are accepted | the draft) for i = 0..n, one uniform for each position. */
    double[] lengths() {
        int n = q.length;
        double[] lengths = new double[n + 1];
        double none = 1;
        double largest = 0;
        for (int i = n; i >= 0; i--) {
            if (defect == Defect.SHARED_UNIFORM) {
                lengths[i] = Math.max(thresholds[i] - largest, 0);
                largest = Math.max(largest, thresholds[i]);
            } else {
                lengths[i] = none * thresholds[i];
                none *= 1 - thresholds[i];
            }
        }
        return lengths;
    }
}
