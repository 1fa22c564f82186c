package org.coolsd.jlama;

import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.tensor.AbstractTensor;
import com.github.tjake.jlama.tensor.KvBufferCache;
import java.util.Arrays;
import org.coolsd.testing.ChiSquare;

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

    /** {@link ChiSquare#excess} of counted sequences. */
    double excess(long[] counts) {
        return ChiSquare.excess(counts, of);
    }
}
