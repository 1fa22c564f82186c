package org.coolsd;

import java.util.Random;

/**
 * A target and a draft chain over few tokens, as laws and as the logits that have them. The law of a token depends on the
 * token before; token 0 stands before the first.
 */
final class MarkovChains implements SequenceLaw.Laws {
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

    @Override
    public int vocab() {
        return vocab;
    }

    @Override
    public double[] target(int prefix) {
        return p[last(prefix)];
    }

    @Override
    public double[] draft(int prefix, int depth) {
        return q[last(prefix)];
    }

    private int last(int prefix) {
        return prefix == 0 ? 0 : (prefix - 1) % vocab;
    }

    /** The number of a sequence in the order of {@link SequenceLaw.Exact#law}. */
    int index(int[] tokens) {
        int index = 0;
        for (int token : tokens) {
            index = index * vocab + token;
        }
        return index;
    }

    /** The law of the sequences that the verification gives. */
    SequenceLaw.Exact decode(SequenceLaw.Verification verification) {
        return SequenceLaw.decode(this, length, verification);
    }

    /** Token by token with these factors. */
    SequenceLaw.Exact decode(float... omega) {
        double[] wide = new double[omega.length];
        for (int i = 0; i < omega.length; i++) {
            wide[i] = omega[i];
        }
        return decode(SequenceLaw.tokens(omega.length, ReferenceVerifier.relaxed(wide, 0)));
    }

    double[] targetLaw() {
        return SequenceLaw.target(this, length);
    }
}
