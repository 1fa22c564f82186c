package org.coolsd.decode;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.IntFunction;
import org.coolsd.Logits;
import org.coolsd.LogitsBuffer;

/** A target of plain arrays whose law depends on the condition and on every token so far. */
class PrefixTarget implements TargetModel<Integer> {
    final int vocab;
    private final double contrast;
    private final IntFunction<Window> allowed;
    private final Map<List<Integer>, float[]> rows = new HashMap<>();
    /** Passes so far. */
    int passes;
    /** Rows of tokens that begin with this become NaN from its second position on. */
    static final int POISON = 666;

    PrefixTarget(int vocab, double contrast) {
        this(vocab, contrast, position -> Window.ALL);
    }

    PrefixTarget(int vocab, double contrast, IntFunction<Window> allowed) {
        this.vocab = vocab;
        this.contrast = contrast;
        this.allowed = allowed;
    }

    @Override
    public int vocab() {
        return vocab;
    }

    /** Logits behind these tokens, the first of which is the condition. */
    synchronized float[] row(List<Integer> tokens) {
        return rows.computeIfAbsent(List.copyOf(tokens), prefix -> {
            SplittableRandom random = new SplittableRandom(prefix.hashCode() * 0x9e3779b97f4a7c15L + prefix.size());
            float[] row = new float[vocab];
            for (int v = 0; v < vocab; v++) {
                row[v] = (float) (contrast * (2 * random.nextDouble() - 1));
            }
            if (prefix.get(0) == POISON && prefix.size() > 2) {
                row[0] = Float.NaN;
            }
            return row;
        });
    }

    /** P of a token behind these, by plain arithmetic in double. */
    double probability(List<Integer> tokens, int token) {
        Window window = allowed.apply(tokens.size() - 1);
        float[] row = row(tokens);
        double sum = 0;
        for (int v = 0; v < vocab; v++) {
            sum += window.holds(v) ? Math.exp(row[v]) : 0;
        }
        return window.holds(token) ? Math.exp(row[token]) / sum : 0;
    }

    /** The law of sequences of {@code length} tokens, the first token's digit on top. */
    double[] law(int condition, int length) {
        double[] law = new double[(int) Math.pow(vocab, length)];
        for (int code = 0; code < law.length; code++) {
            List<Integer> tokens = new ArrayList<>(List.of(condition));
            law[code] = 1;
            for (int i = length - 1; i >= 0; i--) {
                int token = code / (int) Math.pow(vocab, i) % vocab;
                law[code] *= probability(tokens, token);
                tokens.add(token);
            }
        }
        return law;
    }

    static int code(int[] tokens, int vocab) {
        return Arrays.stream(tokens).reduce(0, (code, token) -> code * vocab + token);
    }

    @Override
    public Session open(int slots, int longestRun) {
        return new Session(slots, longestRun);
    }

    /** Its memory: the tokens. */
    class Session implements TargetSession<Integer> {
        private final List<List<Integer>> committed = new ArrayList<>();
        private final LogitsBuffer buffer;
        private final int stride;
        private final int[] lengths;
        boolean closed;

        Session(int slots, int longestRun) {
            stride = longestRun + 1;
            lengths = new int[slots];
            buffer = LogitsBuffer.of(Logits.Type.F32, slots * stride, vocab);
            for (int slot = 0; slot < slots; slot++) {
                committed.add(new ArrayList<>());
            }
        }

        List<Integer> committed(int slot) {
            return committed.get(slot);
        }

        @Override
        public int begin(int slot, Integer condition) {
            if (condition < 0) {
                throw new IllegalArgumentException("condition is " + condition + ", it must be at least 0");
            }
            committed.get(slot).clear();
            committed.get(slot).add(condition);
            return 1;
        }

        @Override
        public void score(Runs runs) {
            passes++;
            for (int k = 0; k < runs.count(); k++) {
                List<Integer> tokens = new ArrayList<>(committed.get(runs.slot(k)));
                lengths[runs.slot(k)] = runs.length(k);
                for (int i = 0; i <= runs.length(k); i++) {
                    buffer.put(runs.slot(k) * stride + i, row(tokens));
                    if (i < runs.length(k)) {
                        tokens.add(runs.token(k, i));
                    }
                }
            }
        }

        @Override
        public Logits logits(int slot) {
            return buffer.logits(slot * stride, lengths[slot] + 1);
        }

        @Override
        public void commit(int slot, int[] tokens, int count, int kept) {
            for (int i = 0; i < count; i++) {
                committed.get(slot).add(tokens[i]);
            }
        }

        @Override
        public Window allowed(int slot, int position) {
            return allowed.apply(position);
        }

        @Override
        public void close() {
            closed = true;
            buffer.close();
        }
    }
}
