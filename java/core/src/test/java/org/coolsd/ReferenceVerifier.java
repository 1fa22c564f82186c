package org.coolsd;

/**
 * The operation in float64, written for reading: METHOD.md line by line. It takes uniforms instead of a seed, so that a
 * test decides what is drawn.
 */
final class ReferenceVerifier {
    /** Tokens of the step; margin is the distance of the closest decision to its boundary. */
    record Outcome(int[] tokens, int accepted, double drift, double margin) {}

    private ReferenceVerifier() {}

    static double[] softmax(float[] logits, double temperature) {
        double largest = Double.NEGATIVE_INFINITY;
        for (float x : logits) {
            largest = Math.max(largest, x);
        }
        double[] p = new double[logits.length];
        double sum = 0;
        for (int v = 0; v < p.length; v++) {
            p[v] = Math.exp((logits[v] - largest) / temperature);
            sum += p[v];
        }
        for (int v = 0; v < p.length; v++) {
            p[v] /= sum;
        }
        return p;
    }

    /**
     * @param p [L+1][V]
     * @param q [L][V]
     * @param u acceptance uniforms [L]
     * @param resample [L] and bonus: uniforms of the drawn token by where it is drawn
     */
    static Outcome verify(
            double[][] p, double[][] q, int[] draft, float[] omega, double[] u, double[] resample, double bonus) {
        double margin = 1;
        double drift = 0;
        for (int i = 0; i < draft.length; i++) {
            int x = draft[i];
            double f = acceptance(p[i][x], q[i][x], omega[i]);
            drift += drift(p[i], q[i], omega[i]);
            margin = Math.min(margin, Math.abs(u[i] - f));
            if (!(u[i] < f)) {
                double[] r = residual(p[i], q[i], omega[i]);
                return outcome(draft, i, r, resample[i], drift, margin);
            }
        }
        return outcome(draft, draft.length, p[draft.length], bonus, drift, margin);
    }

    private static Outcome outcome(int[] draft, int n, double[] law, double u, double drift, double margin) {
        double mass = 0;
        for (double w : law) {
            mass += w;
        }
        int[] tokens = new int[n + 1];
        System.arraycopy(draft, 0, tokens, 0, n);
        double reached = 0;
        int drawn = -1;
        double closest = margin;
        for (int v = 0; v < law.length; v++) {
            reached += law[v];
            if (law[v] > 0) {
                closest = Math.min(closest, Math.abs(reached / mass - u));
                if (drawn < 0 && reached > u * mass) {
                    drawn = v;
                }
            }
        }
        tokens[n] = drawn;
        return new Outcome(tokens, n, drift, closest);
    }

    static double acceptance(double p, double q, double omega) {
        if (p == 0) {
            return 0;
        }
        return q == 0 ? 1 : Math.min(1, omega * p / q);
    }

    /** [P - Q f]+, or P where that is empty. */
    static double[] residual(double[] p, double[] q, double omega) {
        double[] r = new double[p.length];
        double mass = 0;
        for (int v = 0; v < p.length; v++) {
            r[v] = Math.max(p[v] - q[v] * acceptance(p[v], q[v], omega), 0);
            mass += r[v];
        }
        return mass > 0 ? r : p;
    }

    /** TV(Phat, P) from its definition. */
    static double drift(double[] p, double[] q, double omega) {
        double accepted = 0;
        for (int v = 0; v < p.length; v++) {
            accepted += q[v] * acceptance(p[v], q[v], omega);
        }
        double[] r = residual(p, q, omega);
        double mass = 0;
        for (double w : r) {
            mass += w;
        }
        double distance = 0;
        for (int v = 0; v < p.length; v++) {
            double law = q[v] * acceptance(p[v], q[v], omega) + (1 - accepted) * r[v] / mass;
            distance += Math.abs(law - p[v]) / 2;
        }
        return distance;
    }
}
