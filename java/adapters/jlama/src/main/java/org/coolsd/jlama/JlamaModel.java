package org.coolsd.jlama;

import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.tensor.AbstractTensor;
import com.github.tjake.jlama.tensor.KvBufferCache;
import org.coolsd.Logits;
import org.coolsd.decode.Runs;
import org.coolsd.decode.TargetModel;
import org.coolsd.decode.TargetSession;

/**
 * A model that Jlama runs as a target for {@link org.coolsd.decode.Decoder}. A sequence is made from a prompt, tokens of which
 * the first is the model's beginning of a text where it has one ({@link AbstractModel#encodePrompt}). All rows of a run are
 * one pass; every sequence is a pass of its own.
 */
public final class JlamaModel implements TargetModel<int[]> {
    private final AbstractModel model;

    private JlamaModel(AbstractModel model) {
        this.model = model;
    }

    /** @param model stays the caller's to close, after the decoder */
    public static JlamaModel of(AbstractModel model) {
        return new JlamaModel(model);
    }

    @Override
    public int vocab() {
        return model.getConfig().vocabularySize;
    }

    @Override
    public TargetSession<int[]> open(int slots, int longestRun) {
        return new Session(model, slots, longestRun + 1);
    }

    /** Copies a prompt into an empty sequence, whose condition it is. */
    static void begin(JlamaSequence sequence, int[] prompt, int vocab) {
        if (prompt.length == 0) {
            throw new IllegalArgumentException("the prompt has no tokens, it must have at least 1");
        }
        sequence.clear();
        for (int token : prompt) {
            if (token < 0 || token >= vocab) {
                throw new IllegalArgumentException("the prompt has token " + token + ", the vocabulary is " + vocab);
            }
            sequence.add(token);
        }
    }

    private static final class Session implements TargetSession<int[]> {
        private final int vocab;
        private final JlamaSequence[] sequences;
        /** Tokens committed, and rows of logits, of each slot. */
        private final int[] committed;

        private final int[] scored;
        private final LogitsRows rows;

        Session(AbstractModel model, int slots, int stride) {
            vocab = model.getConfig().vocabularySize;
            KvBufferCache caches = new KvBufferCache(model);
            sequences = new JlamaSequence[slots];
            for (int slot = 0; slot < slots; slot++) {
                sequences[slot] = new JlamaSequence(model, caches, Math.max(stride, 64));
            }
            committed = new int[slots];
            scored = new int[slots];
            rows = new LogitsRows(model, slots, stride);
        }

        @Override
        public int begin(int slot, int[] prompt) {
            JlamaModel.begin(sequences[slot], prompt, vocab);
            committed[slot] = prompt.length;
            scored[slot] = 1;
            fill(slot, 1);
            return prompt.length;
        }

        @Override
        public void score(Runs runs) {
            for (int k = 0; k < runs.count(); k++) {
                int slot = runs.slot(k);
                JlamaSequence sequence = sequences[slot];
                // The row behind the prompt is there since begin.
                int first = sequence.pending() == 0 ? 1 : 0;
                for (int i = 0; i < runs.length(k); i++) {
                    sequence.add(runs.token(k, i));
                }
                scored[slot] = runs.length(k) + 1;
                if (sequence.pending() > 0) {
                    fill(slot, scored[slot] - first);
                }
            }
        }

        /** Passes what is pending, and makes logits of its last {@code count} tokens, which are the slot's last rows. */
        private void fill(int slot, int count) {
            try (AbstractTensor<?, ?> output = sequences[slot].pass(count)) {
                int from = output.shape().first() - count;
                int to = scored[slot] - count;
                for (int i = 0; i < count; i++) {
                    rows.fill(slot, to + i, output.slice(from + i));
                }
            }
        }

        @Override
        public Logits logits(int slot) {
            return rows.view(slot, 0, scored[slot]);
        }

        @Override
        public void commit(int slot, int[] tokens, int count, int kept) {
            JlamaSequence sequence = sequences[slot];
            sequence.cut(committed[slot] + kept);
            for (int i = kept; i < count; i++) {
                sequence.add(tokens[i]);
            }
            committed[slot] += count;
        }

        @Override
        public void close() {
            for (JlamaSequence sequence : sequences) {
                sequence.close();
            }
        }
    }
}
