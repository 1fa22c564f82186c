package org.coolsd.jlama;

import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.tensor.AbstractTensor;
import com.github.tjake.jlama.tensor.KvBufferCache;
import java.util.Arrays;

/** The law of a model's sequences behind a prompt, each passed as a whole, in a cache of its own, by Jlama alone. */
record SequenceLaw(int vocab, double[] of) {
    static SequenceLaw of(AbstractModel model, int[] prompt, int length) {
        int vocab = model.getConfig().vocabularySize;
        double[] law = new double[(int) Math.pow(vocab, length)];
        for (int code = 0; code < law.length; code++) {
            int[] tokens = Arrays.copyOf(prompt, prompt.length + length);
            for (int i = 0, rest = code; i < length; i++, rest /= vocab) {
                tokens[tokens.length - 1 - i] = rest % vocab;
            }
            law[code] = 1;
            KvBufferCache.KvBuffer cache = new KvBufferCache(model).getEphemeralKvBuffer();
            try (AbstractTensor<?, ?> output = model.batchForward(tokens, 0, cache)) {
                for (int i = prompt.length; i < tokens.length; i++) {
                    // Probabilities, whatever the method is called.
                    law[code] *= model.getLogits(output.slice(i - 1))[tokens[i]];
                }
            }
            cache.close();
        }
        return new SequenceLaw(vocab, law);
    }

    long[] counts() {
        return new long[of.length];
    }

    int code(int[] tokens) {
        return Arrays.stream(tokens).reduce(0, (code, token) -> code * vocab + token);
    }

    /** Pearson's statistic, rare sequences together, over what it exceeds once in 10^9 (Wilson and Hilferty). */
    double excess(long[] counts) {
        long all = Arrays.stream(counts).sum();
        double statistic = 0;
        double rareExpected = 0;
        double rareSeen = 0;
        double df = 0;
        for (int i = 0; i < of.length; i++) {
            double expected = all * of[i];
            if (expected >= 5) {
                statistic += (counts[i] - expected) * (counts[i] - expected) / expected;
                df++;
            } else {
                rareExpected += expected;
                rareSeen += counts[i];
            }
        }
        if (rareExpected >= 1) {
            statistic += (rareSeen - rareExpected) * (rareSeen - rareExpected) / rareExpected;
        }
        double a = 2 / (9 * df);
        return statistic / (df * Math.pow(1 - a + 5.998 * Math.sqrt(a), 3));
    }
}
