package org.coolsd;

import java.util.Random;

/**
 * A random target and drafter whose laws depend on the whole prefix, the drafter's on the draft position too if asked. Some
 * tokens are impossible, some laws are equal. The drafter may give up behind some prefixes.
 */
final class RandomChains implements SequenceLaw.Laws {
    private final int vocab;
    private final double[][] p;
    private final double[][][] q;
    private final boolean[] ends;

    /**
     * @param length of the longest prefix that is asked for
     * @param depths draft positions with laws of their own; 1 for a drafter to which they are all alike
     */
    RandomChains(Random random, int vocab, int length, int depths) {
        this.vocab = vocab;
        int prefixes = 0;
        for (int i = 0; i <= length; i++) {
            prefixes = prefixes * vocab + 1;
        }
        p = new double[prefixes][];
        q = new double[depths][prefixes][];
        ends = new boolean[prefixes];
        double apart = 2 * random.nextDouble();
        for (int prefix = 0; prefix < prefixes; prefix++) {
            p[prefix] = law(random, vocab);
            for (int i = 0; i < depths; i++) {
                q[i][prefix] = random.nextInt(12) == 0 ? p[prefix] : near(random, p[prefix], apart);
            }
        }
    }

    /** Lets drafts end behind a fifth of the prefixes. */
    RandomChains ending(Random random) {
        for (int prefix = 0; prefix < ends.length; prefix++) {
            ends[prefix] = random.nextInt(5) == 0;
        }
        return this;
    }

    static double[] law(Random random, int vocab) {
        double[] law = new double[vocab];
        for (int v = 0; v < vocab; v++) {
            law[v] = random.nextInt(6) == 0 ? 0 : -Math.log(1 - random.nextDouble());
        }
        law[random.nextInt(vocab)] += 0.1;
        return normalised(law);
    }

    private static double[] near(Random random, double[] p, double apart) {
        double[] law = new double[p.length];
        for (int v = 0; v < law.length; v++) {
            double x = random.nextInt(12) == 0 ? random.nextDouble() : p[v];
            law[v] = random.nextInt(12) == 0 ? 0 : x * Math.exp(apart * random.nextGaussian());
        }
        law[random.nextInt(law.length)] += 1e-3;
        return normalised(law);
    }

    private static double[] normalised(double[] law) {
        double mass = ReferenceVerifier.sum(law);
        for (int v = 0; v < law.length; v++) {
            law[v] /= mass;
        }
        return law;
    }

    @Override
    public int vocab() {
        return vocab;
    }

    @Override
    public double[] target(int prefix) {
        return p[prefix];
    }

    @Override
    public double[] draft(int prefix, int depth) {
        return q[Math.min(depth, q.length - 1)][prefix];
    }

    @Override
    public boolean ends(int prefix) {
        return ends[prefix];
    }
}
