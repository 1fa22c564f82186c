package org.coolsd.onnxmodels;

import java.util.Arrays;
import org.coolsd.testing.ChiSquare;

/**
 * The law of whole sequences under guidance, added up from an engine's own logits by plain arithmetic, and a test of decoded
 * sequences against it: what the adapters' tests are made of.
 */
public final class SequenceLaw {
    private final int vocab;
    private final double[] law;

    /** An engine without any cache. */
    public interface Engine {
        /** Logits [ids.length][vocab]: row i is of what follows the first i + 1 ids. */
        float[][] logits(int[] ids);
    }

    /**
     * Adds up the law of sequences of {@code length} tokens.
     *
     * @param prompt input ids of the conditional branch
     * @param unconditional those of the other one
     * @param guidance scale of classifier-free guidance
     */
    public SequenceLaw(Engine engine, int vocab, int length, int[] prompt, int[] unconditional, double guidance) {
        this.vocab = vocab;
        law = new double[(int) Math.pow(vocab, length)];
        int[] tokens = new int[length];
        for (int code = 0; code < law.length; code++) {
            for (int i = 0; i < length; i++) {
                tokens[i] = code / (int) Math.pow(vocab, length - 1.0 - i) % vocab;
            }
            float[][] c = engine.logits(joined(prompt, tokens));
            float[][] u = engine.logits(joined(unconditional, tokens));
            law[code] = 1;
            for (int i = 0; i < length; i++) {
                law[code] *= share(c[prompt.length - 1 + i], u[unconditional.length - 1 + i], guidance, tokens[i]);
            }
        }
    }

    private static int[] joined(int[] first, int[] second) {
        int[] all = Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, all, first.length, second.length);
        return all;
    }

    private static double share(float[] c, float[] u, double guidance, int token) {
        double sum = 0;
        for (int v = 0; v < c.length; v++) {
            sum += Math.exp(u[v] + guidance * (c[v] - u[v]));
        }
        return Math.exp(u[token] + guidance * (c[token] - u[token])) / sum;
    }

    /** The number of a sequence, 0 to vocab^length. */
    public int code(int[] tokens) {
        return Arrays.stream(tokens).reduce(0, (code, token) -> code * vocab + token);
    }

    /** How many sequences there are. */
    public int size() {
        return law.length;
    }

    /** {@link ChiSquare#excess} of counted sequences: below 1 if they have the law. */
    public double excess(long[] counts) {
        return ChiSquare.excess(counts, law);
    }
}
