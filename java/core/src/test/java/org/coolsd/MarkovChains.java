package org.coolsd;

import java.util.Random;

/**
 * A target and a draft chain over few tokens, and the exact law of the sequences that relaxed speculative decoding of one by
 * the other gives, by enumeration. The law of a token depends on the token before; token 0 stands before the first.
 */
final class MarkovChains {
    final int vocab;
    final int length;
    final float[][] target;
    final float[][] draft;
    private final double[][] p;
    private final double[][] q;

    MarkovChains(Random random, int vocab, int length) {
        this.vocab = vocab;
        this.length = length;
        target = new float[vocab][vocab];
        draft = new float[vocab][vocab];
        p = new double[vocab][];
        q = new double[vocab][];
        for (int x = 0; x < vocab; x++) {
            for (int y = 0; y < vocab; y++) {
                target[x][y] = (float) (1.2 * random.nextGaussian());
                draft[x][y] = target[x][y] + (float) random.nextGaussian();
            }
            p[x] = ReferenceLaw.of(target[x], null, Sampling.of()).p();
            q[x] = ReferenceLaw.of(draft[x], null, Sampling.of()).p();
        }
    }

    double[] p(int before) {
        return p[before];
    }

    double[] q(int before) {
        return q[before];
    }

    int sequences() {
        return (int) Math.pow(vocab, length);
    }

    int index(int[] tokens) {
        int index = 0;
        for (int token : tokens) {
            index = index * vocab + token;
        }
        return index;
    }

    /** The target's law of sequences. */
    double[] targetLaw() {
        double[] law = new double[sequences()];
        for (int s = 0; s < law.length; s++) {
            law[s] = 1;
            int before = 0;
            for (int token : tokens(s)) {
                law[s] *= p[before][token];
                before = token;
            }
        }
        return law;
    }

    int[] tokens(int index) {
        int[] tokens = new int[length];
        for (int i = length - 1; i >= 0; i--) {
            tokens[i] = index % vocab;
            index /= vocab;
        }
        return tokens;
    }

    /**
     * The closed form.
     *
     * @param law of sequences
     * @param drift E[sum of D over the visited draft positions]
     * @param kept E[product over tokens of min(1, P/Phat)]
     * @param steps expected number of steps
     */
    record Exact(double[] law, double drift, double kept, double steps) {}

    private double[] law;
    private double drift;
    private double kept;
    private double steps;

    Exact decode(float[] omega) {
        law = new double[sequences()];
        drift = 0;
        kept = 0;
        steps = 0;
        begin(0, 0, 0, 1, 1, omega);
        return new Exact(law, drift, kept, steps);
    }

    /** A new step after {@code decided} tokens. */
    private void begin(int decided, int prefix, int before, double weight, double factor, float[] omega) {
        if (decided == length) {
            law[prefix] += weight;
            kept += weight * factor;
            return;
        }
        steps += weight;
        visit(0, Math.min(omega.length, length - decided - 1), decided, prefix, before, weight, factor, omega);
    }

    /** Draft position i of a step whose draft has n tokens. */
    private void visit(int i, int n, int decided, int prefix, int before, double weight, double factor, float[] omega) {
        double[] target = p[before];
        if (i == n) {
            for (int x = 0; x < vocab; x++) {
                begin(decided + 1, prefix * vocab + x, x, weight * target[x], factor, omega);
            }
            return;
        }
        double[] proposal = q[before];
        double[] f = new double[vocab];
        double accepted = 0;
        for (int x = 0; x < vocab; x++) {
            f[x] = ReferenceVerifier.acceptanceOf(omega[i] * target[x], proposal[x]);
            accepted += proposal[x] * f[x];
        }
        drift += weight * ReferenceVerifier.drift(target, proposal, f);
        double[] position = ReferenceVerifier.law(target, proposal, f);
        double[] residual = ReferenceVerifier.best(target, proposal, f);
        double mass = ReferenceVerifier.sum(residual);
        for (int x = 0; x < vocab; x++) {
            double less = position[x] > 0 ? Math.min(1, target[x] / position[x]) : 1;
            double taken = weight * proposal[x] * f[x];
            if (taken > 0) {
                visit(i + 1, n, decided + 1, prefix * vocab + x, x, taken, factor * less, omega);
            }
            double drawn = weight * (1 - accepted) * residual[x] / mass;
            if (drawn > 0) {
                begin(decided + 1, prefix * vocab + x, x, drawn, factor * less, omega);
            }
        }
    }
}
