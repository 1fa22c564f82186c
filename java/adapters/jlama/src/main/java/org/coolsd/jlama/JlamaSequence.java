package org.coolsd.jlama;

import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.tensor.AbstractTensor;
import com.github.tjake.jlama.tensor.KvBufferCache;
import java.util.Arrays;

/**
 * One sequence in Jlama: its tokens, prompt included, and the keys and values of the first {@code passed} of them. A cache by
 * position needs no roll-back: attention reads up to the position that is passed, and passing one again writes over it.
 */
final class JlamaSequence {
    private final AbstractModel model;
    private final KvBufferCache.KvBuffer cache;
    /** The arrays that Jlama's passes take, by length. */
    private final int[][] passes;

    private int[] tokens = new int[256];
    private int count;
    private int passed;

    /** @param longest tokens of one pass, beyond which there are several */
    JlamaSequence(AbstractModel model, KvBufferCache caches, int longest) {
        this.model = model;
        cache = caches.getEphemeralKvBuffer();
        passes = new int[longest + 1][];
        for (int length = 0; length <= longest; length++) {
            passes[length] = new int[length];
        }
    }

    /** Forgets all tokens. */
    void clear() {
        count = 0;
        passed = 0;
    }

    void add(int token) {
        if (count == tokens.length) {
            tokens = Arrays.copyOf(tokens, 2 * count);
        }
        tokens[count++] = token;
    }

    int count() {
        return count;
    }

    /** How many tokens at the end have not been passed. */
    int pending() {
        return count - passed;
    }

    /** Forgets the tokens from {@code length} on, and what was computed for them. */
    void cut(int length) {
        count = length;
        passed = Math.min(passed, length);
        cache.setCurrentContextPosition(passed);
    }

    /**
     * Passes what has not been passed.
     *
     * @param rows of the last tokens that are wanted, at least 1
     * @return the last layer's rows of the last pass [n, embedding], n at least {@code rows}, which the caller closes
     */
    AbstractTensor<?, ?> pass(int rows) {
        int context = model.getConfig().contextLength;
        if (count > context) {
            throw new IllegalStateException("the sequence has " + count + " tokens, the model's context is " + context);
        }
        while (pending() > longest()) {
            forward(Math.min(longest(), pending() - rows)).close();
        }
        return forward(pending());
    }

    private int longest() {
        return passes.length - 1;
    }

    private AbstractTensor<?, ?> forward(int length) {
        int[] pass = passes[length];
        System.arraycopy(tokens, passed, pass, 0, length);
        AbstractTensor<?, ?> output = model.batchForward(pass, passed, cache);
        passed += length;
        cache.setCurrentContextPosition(passed);
        return output;
    }

    void close() {
        cache.close();
    }
}
