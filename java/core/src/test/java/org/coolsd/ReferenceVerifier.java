package org.coolsd;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * The operation in float64, written for reading: docs/method.md line by line. It takes laws and uniforms instead of logits
 * and a seed, so that a test decides what is drawn. Independent of the native code on purpose.
 */
final class ReferenceVerifier {
    /**
     * What a step decides. margin is the distance, in probability, of the closest decision to its boundary.
     *
     * @param drift [n], D of the draft positions that emitted a token, 0 elsewhere
     * @param ratio [n+1], P/Phat of every emitted token
     */
    record Outcome(int[] tokens, int accepted, double[] drift, double[] ratio, double margin) {}

    /** The uniforms of a step: acceptance [n], resampling [n] by the accepted length, and the bonus's. */
    record Uniforms(double[] accept, double[] resample, double bonus) {
        /** Those that the library draws. */
        static Uniforms of(long seed, long position, int n) {
            double[] accept = new double[n];
            double[] resample = new double[n];
            for (int i = 0; i < n; i++) {
                accept[i] = Philox.uniform(seed, position + i, Philox.ACCEPT);
                resample[i] = Philox.uniform(seed, position + i, Philox.RESAMPLE);
            }
            return new Uniforms(accept, resample, Philox.uniform(seed, position + n, Philox.BONUS));
        }

        double drawn(int accepted) {
            return accepted < resample.length ? resample[accepted] : bonus;
        }
    }

    /** f of every token at draft position i (from 0), the resampling law after the rejection of x, and Phat. */
    interface Rule {
        double[] acceptance(int i, double[] p, double[] q);

        default double[] residual(int i, double[] p, double[] q, int x) {
            return best(p, q, acceptance(i, p, q));
        }

        default double[] law(int i, double[] p, double[] q) {
            return ReferenceVerifier.law(p, q, acceptance(i, p, q));
        }
    }

    /** omega_i, which may depend on the laws of its position. */
    interface Factors {
        double omega(int i, double[] p, double[] q);
    }

    private ReferenceVerifier() {}

    /** f = min(1, a + omega_i P / Q) where P > 0, G* = Norm([P - Q f]+). */
    static Rule relaxed(double[] omega, double affine) {
        return relaxed((i, p, q) -> omega[i], affine);
    }

    static Rule relaxed(Factors factors, double affine) {
        return new Rule() {
            @Override
            public double[] acceptance(int i, double[] p, double[] q) {
                double omega = factors.omega(i, p, q);
                double[] f = new double[p.length];
                for (int v = 0; v < f.length; v++) {
                    double ratio = acceptanceOf(omega * p[v], q[v]);
                    f[v] = p[v] > 0 ? Math.min(1, affine + ratio) : 0;
                }
                return f;
            }

            @Override
            public double[] law(int i, double[] p, double[] q) {
                return factors.omega(i, p, q) <= 1 && affine == 0 ? p : Rule.super.law(i, p, q);
            }
        };
    }

    /** 1 + (omega - 1) H(P) / log of the window's size, H in nats. */
    static double entropyFactor(double[] p, int window, double omega) {
        double entropy = 0;
        for (double x : p) {
            entropy -= x > 0 ? x * Math.log(x) : 0;
        }
        return window > 1 ? 1 + (omega - 1) * entropy / Math.log(window) : 1;
    }

    /**
     * The largest omega in [1, cap] with D(omega) <= budget, found at the kinks Q/P of D, which is linear between them; 1
     * where the cap is below.
     */
    static double budgetFactor(double[] p, double[] q, double budget, double cap) {
        Integer[] order = IntStream.range(0, p.length)
                .filter(v -> p[v] > 0 && q[v] > p[v])
                .boxed()
                .sorted(Comparator.comparingDouble(v -> q[v] / p[v]))
                .toArray(Integer[]::new);
        // Masses of the tokens from the i-th kink on, added from the smallest, which far kinks have.
        double[] slope = new double[order.length + 1];
        for (int i = order.length - 1; i >= 0; i--) {
            slope[i] = slope[i + 1] + p[order[i]];
        }
        double omega = 1;
        double drift = 0;
        for (int i = 0; i < order.length; i++) {
            double kink = q[order[i]] / p[order[i]];
            if (drift + (kink - omega) * slope[i] > budget) {
                return Math.max(1, Math.min(cap, omega + (budget - drift) / slope[i]));
            }
            drift += (kink - omega) * slope[i];
            omega = kink;
        }
        return Math.max(1, cap);
    }

    /** LANTERN's f = min(1, P' / Q) with its own residual or the best one. */
    static Rule lantern(Lantern lantern) {
        return new Rule() {
            @Override
            public double[] acceptance(int i, double[] p, double[] q) {
                double[] f = new double[p.length];
                for (int v = 0; v < f.length; v++) {
                    double all = p[v];
                    int m = pooled(p, v);
                    for (int n = 0; n < m; n++) {
                        all += p[lantern.table().neighbour(v, n)];
                    }
                    f[v] = acceptanceOf(all, q[v]);
                }
                return f;
            }

            private int pooled(double[] p, int x) {
                double limit = lantern.plusPlus() ? (lantern.bound() - 1.0) * p[x] : lantern.bound();
                double sum = 0;
                int m = 0;
                while (m < lantern.table().k() && sum + p[lantern.table().neighbour(x, m)] <= limit) {
                    sum += p[lantern.table().neighbour(x, m++)];
                }
                return m;
            }

            @Override
            public double[] residual(int i, double[] p, double[] q, int x) {
                if (lantern.optimal()) {
                    return best(p, q, acceptance(i, p, q));
                }
                double[] r = new double[p.length];
                for (int v = 0; v < r.length; v++) {
                    r[v] = Math.max(p[v] - q[v], 0);
                }
                for (int n = 0; n < pooled(p, x); n++) {
                    int v = lantern.table().neighbour(x, n);
                    r[v] = p[v];
                }
                return sum(r) > 0 ? r : p;
            }

            @Override
            public double[] law(int i, double[] p, double[] q) {
                if (lantern.optimal()) {
                    return Rule.super.law(i, p, q);
                }
                double[] f = acceptance(i, p, q);
                double[] law = new double[p.length];
                for (int x = 0; x < law.length; x++) {
                    law[x] += q[x] * f[x];
                    double[] r = residual(i, p, q, x);
                    for (int v = 0; v < law.length; v++) {
                        law[v] += q[x] * (1 - f[x]) * r[v] / sum(r);
                    }
                }
                return law;
            }
        };
    }

    /**
     * Token by token.
     *
     * @param p [n+1][V]
     * @param q [n][V]
     * @param draft [n]
     */
    static Outcome tokens(double[][] p, double[][] q, int[] draft, Rule rule, Uniforms u) {
        int n = draft.length;
        double margin = 1;
        double[][] law = laws(p, q, n, rule);
        for (int i = 0; i < n; i++) {
            double f = rule.acceptance(i, p[i], q[i])[draft[i]];
            margin = Math.min(margin, Math.abs(u.accept[i] - f));
            if (!(u.accept[i] < f)) {
                return outcome(draft, i, rule.residual(i, p[i], q[i], draft[i]), u, p, law, margin);
            }
        }
        return outcome(draft, n, p[n], u, p, law, margin);
    }

    /** As a block, of the laws that {@code rule} has; the arguments are those of {@link #tokens}. */
    static Outcome block(double[][] p, double[][] q, int[] draft, Rule rule, Uniforms u, ReferenceBlock.Defect defect) {
        int n = draft.length;
        double[][] law = laws(p, q, n, rule);
        ReferenceBlock block = new ReferenceBlock(p, law, q, draft, defect);
        double margin = 1;
        int accepted = n;
        while (accepted > 0) {
            double mine = u.accept[defect == ReferenceBlock.Defect.SHARED_UNIFORM ? 0 : accepted - 1];
            margin = Math.min(margin, block.margin(accepted, mine, p, draft));
            if (mine < block.threshold(accepted)) {
                break;
            }
            accepted--;
        }
        if (block.rounding(p, accepted)) {
            margin = 0;
        }
        return outcome(draft, accepted, block.drawnFrom(accepted), u, p, law, margin);
    }

    /** Phat of the draft positions, and P of the bonus. */
    private static double[][] laws(double[][] p, double[][] q, int n, Rule rule) {
        double[][] law = new double[n + 1][];
        for (int i = 0; i < n; i++) {
            law[i] = rule.law(i, p[i], q[i]);
        }
        law[n] = p[n];
        return law;
    }

    private static Outcome outcome(
            int[] draft, int accepted, double[] drawnFrom, Uniforms u, double[][] p, double[][] law, double margin) {
        double wanted = u.drawn(accepted) * sum(drawnFrom);
        double reached = 0;
        int drawn = -1;
        double closest = margin;
        for (int v = 0; v < drawnFrom.length; v++) {
            reached += drawnFrom[v];
            if (drawnFrom[v] > 0) {
                closest = Math.min(closest, Math.abs(reached - wanted));
                if (drawn < 0 && reached > wanted) {
                    drawn = v;
                }
            }
        }
        int[] tokens = Arrays.copyOf(draft, accepted + 1);
        tokens[accepted] = drawn;
        double[] drift = new double[draft.length];
        double[] ratio = new double[accepted + 1];
        for (int i = 0; i <= accepted; i++) {
            ratio[i] = p[i][tokens[i]] / law[i][tokens[i]];
            if (i < draft.length) {
                drift[i] = distance(law[i], p[i]);
            }
        }
        return new Outcome(tokens, accepted, drift, ratio, closest);
    }

    /** min(1, allowed / Q); 0 where nothing is allowed, 1 where Q = 0. */
    static double acceptanceOf(double allowed, double q) {
        if (allowed == 0) {
            return 0;
        }
        return q == 0 ? 1 : Math.min(1, allowed / q);
    }

    /** [P - Q f]+, or P where that is empty. */
    static double[] best(double[] p, double[] q, double[] f) {
        double[] r = new double[p.length];
        for (int v = 0; v < p.length; v++) {
            r[v] = Math.max(p[v] - q[v] * f[v], 0);
        }
        return sum(r) > 0 ? r : p;
    }

    /** Phat = Q f + (1 - sum Q f) G*. */
    static double[] law(double[] p, double[] q, double[] f) {
        double accepted = 0;
        for (int v = 0; v < p.length; v++) {
            accepted += q[v] * f[v];
        }
        double[] r = best(p, q, f);
        double mass = sum(r);
        double[] law = new double[p.length];
        for (int v = 0; v < p.length; v++) {
            law[v] = q[v] * f[v] + Math.max(0, 1 - accepted) * r[v] / mass;
        }
        return law;
    }

    /** Total variation distance. */
    static double distance(double[] a, double[] b) {
        double sum = 0;
        for (int v = 0; v < a.length; v++) {
            sum += Math.abs(a[v] - b[v]) / 2;
        }
        return sum;
    }

    static double sum(double[] x) {
        double sum = 0;
        for (double w : x) {
            sum += w;
        }
        return sum;
    }
}
