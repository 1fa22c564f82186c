package org.coolsd;

/**
 * The operation in float64, written for reading: METHOD.md line by line. It takes laws and uniforms instead of logits and
 * a seed, so that a test decides what is drawn.
 */
final class ReferenceVerifier {
    /**
     * What a step decides. margin is the distance, in probability, of the closest decision to its boundary.
     *
     * @param drift D summed over the visited positions
     * @param ratio P/Phat of every emitted token
     */
    record Outcome(int[] tokens, int accepted, double drift, double[] ratio, double margin) {}

    /** f of every token at draft position i, and the resampling law after the rejection of x. */
    interface Rule {
        double[] acceptance(int i, double[] p, double[] q);

        double[] residual(int i, double[] p, double[] q, int x);
    }

    private ReferenceVerifier() {}

    /** f = min(1, omega_i P / Q), G* = Norm([P - Q f]+). */
    static Rule relaxed(float[] omega) {
        return new Rule() {
            @Override
            public double[] acceptance(int i, double[] p, double[] q) {
                double[] f = new double[p.length];
                for (int v = 0; v < f.length; v++) {
                    f[v] = acceptanceOf(omega[i] * p[v], q[v]);
                }
                return f;
            }

            @Override
            public double[] residual(int i, double[] p, double[] q, int x) {
                return best(p, q, acceptance(i, p, q));
            }
        };
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
        };
    }

    /**
     * @param p [L+1][V]
     * @param q [L][V]
     * @param u acceptance uniforms [L]
     * @param resample [L] and bonus: uniforms of the drawn token by where it is drawn
     */
    static Outcome verify(
            double[][] p, double[][] q, int[] draft, Rule rule, double[] u, double[] resample, double bonus) {
        double margin = 1;
        double drift = 0;
        double[] ratio = new double[draft.length + 1];
        for (int i = 0; i < draft.length; i++) {
            int x = draft[i];
            double[] f = rule.acceptance(i, p[i], q[i]);
            drift += drift(p[i], q[i], f);
            double[] law = law(p[i], q[i], f);
            margin = Math.min(margin, Math.abs(u[i] - f[x]));
            if (!(u[i] < f[x])) {
                double[] r = rule.residual(i, p[i], q[i], x);
                return outcome(draft, i, r, resample[i], drift, ratio, p[i], law, margin);
            }
            ratio[i] = p[i][x] / law[x];
        }
        int n = draft.length;
        return outcome(draft, n, p[n], bonus, drift, ratio, p[n], p[n], margin);
    }

    private static Outcome outcome(
            int[] draft,
            int n,
            double[] drawnFrom,
            double u,
            double drift,
            double[] ratio,
            double[] p,
            double[] law,
            double margin) {
        double mass = sum(drawnFrom);
        int[] tokens = new int[n + 1];
        System.arraycopy(draft, 0, tokens, 0, n);
        double reached = 0;
        int drawn = -1;
        double closest = margin;
        for (int v = 0; v < drawnFrom.length; v++) {
            reached += drawnFrom[v];
            if (drawnFrom[v] > 0) {
                closest = Math.min(closest, Math.abs(reached - u * mass));
                if (drawn < 0 && reached > u * mass) {
                    drawn = v;
                }
            }
        }
        tokens[n] = drawn;
        ratio[n] = p[drawn] / law[drawn];
        return new Outcome(tokens, n, drift, ratio, closest);
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

    /** TV(Phat, P) from its definition. */
    static double drift(double[] p, double[] q, double[] f) {
        return distance(law(p, q, f), p);
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
