package org.coolsd.models.eagle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.coolsd.Logits;
import org.coolsd.Sampling;
import org.coolsd.decode.Decoder;
import org.coolsd.decode.DecoderOptions;
import org.coolsd.decode.DraftSession;
import org.coolsd.decode.Drafter;
import org.coolsd.decode.Request;
import org.coolsd.decode.TargetModel;
import org.coolsd.libtorch.PassScope;
import org.coolsd.libtorch.Tensors;

/** Compares what EAGLE drafts from in the decoding loop, step by step, with whole-sequence models. */
public final class DraftRows {
    private DraftRows() {}

    /** The target and the drafter over whole sequences. */
    public interface Whole<C> {
        /** Rows of the embedding that the drafter reads before the first token: of the prefix from its second position on. */
        long[] prefix(C condition, boolean conditional);

        /** The row that it reads for a token. */
        default long row(int token) {
            return token;
        }

        /** Features [1, prefix + n, dim] of a branch with {@code tokens} [n]. */
        Tensor features(C condition, boolean conditional, long[] tokens);

        Tensor logits(Tensor features);

        /** What the drafter predicts behind rows i64 [1, n] of the embedding and features [1, n, dim]. */
        Tensor predicted(C condition, Tensor rows, Tensor features);
    }

    /** Decodes and compares every row that is drafted from; returns how many there were. */
    public static <C> int compare(
            Whole<C> whole,
            TargetModel<C> target,
            Drafter<C> eagle,
            DecoderOptions options,
            List<Request<C>> requests) {
        List<Checking<C>> sessions = new ArrayList<>();
        Drafter<C> checking = (session, verifier, slots) -> {
            sessions.add(new Checking<>(whole, (EagleDrafts<C>) eagle.open(session, verifier, slots), slots));
            return sessions.get(0);
        };
        try (Decoder<C> decoder = new Decoder<>(target, checking, options)) {
            decoder.decode(requests);
        }
        return sessions.get(0).checked;
    }

    /** Compares what a step drafted from, as soon as it is verified. */
    private static final class Checking<C> implements DraftSession<C> {
        private final Whole<C> whole;
        private final EagleDrafts<C> session;
        private final List<C> conditions = new ArrayList<>();
        /** Of each slot: decided tokens, then the drafted ones. */
        private final int[][] tokens;

        private final int[] decided;
        /** Of the decided ones, those that the target has computed what they were drawn from. */
        private final int[] known;

        private final int[] drafted;
        private int checked;

        Checking(Whole<C> whole, EagleDrafts<C> session, int slots) {
            this.whole = whole;
            this.session = session;
            conditions.addAll(Collections.nCopies(slots, null));
            tokens = new int[slots][64];
            decided = new int[slots];
            known = new int[slots];
            drafted = new int[slots];
        }

        @Override
        public void begin(int slot, Request<C> request) {
            conditions.set(slot, request.condition());
            decided[slot] = 0;
            known[slot] = 0;
            session.begin(slot, request);
        }

        @Override
        public void step(int slot, int position, Sampling sampling) {
            drafted[slot] = 0;
            session.step(slot, position, sampling);
        }

        @Override
        public void propose(int[] slots, int count) {
            session.propose(slots, count);
        }

        @Override
        public Logits row(int slot) {
            return session.row(slot);
        }

        @Override
        public void drawn(int slot, int token) {
            tokens[slot][decided[slot] + drafted[slot]++] = token;
            session.drawn(slot, token);
        }

        @Override
        public Logits rows(int slot) {
            return session.rows(slot);
        }

        @Override
        public void decided(int slot, int[] yielded, int count, int accepted) {
            for (int i = 0; i < drafted[slot]; i++) {
                for (int branch = 0; branch < 2; branch++) {
                    compareRow(slot, i, branch);
                    checked++;
                }
            }
            session.decided(slot, yielded, count, accepted);
            System.arraycopy(yielded, 0, tokens[slot], decided[slot], count);
            decided[slot] += count;
            known[slot] = decided[slot];
        }

        @Override
        public void forced(int slot, int position, int token) {
            tokens[slot][decided[slot]++] = token;
            session.forced(slot, position, token);
        }

        private void compareRow(int slot, int i, int branch) {
            try (PassScope scope = new PassScope()) {
                C condition = conditions.get(slot);
                long[] prefix = whole.prefix(condition, branch == 0);
                long[] read = Arrays.copyOf(prefix, prefix.length + decided[slot] + i);
                for (int j = prefix.length; j < read.length; j++) {
                    read[j] = whole.row(tokens[slot][j - prefix.length]);
                }
                long[] before = Arrays.stream(tokens[slot], 0, known[slot])
                        .asLongStream()
                        .toArray();
                // Feature p is what position p + 1 was drawn from. Those behind the known tokens are the drafter's own
                // predictions.
                Tensor features =
                        whole.features(condition, branch == 0, before).narrow(1, 0, prefix.length + (long) known[slot]);
                Tensor rows = Tensors.of(read, 1, read.length);
                while (features.size(1) <= read.length) {
                    long n = features.size(1);
                    Tensor predicted = whole.predicted(condition, rows.narrow(1, 0, n), features);
                    features = torch.cat(new TensorVector(features, predicted.narrow(1, n - 1, 1)), 1);
                }
                Tensor expected =
                        whole.logits(features.narrow(1, read.length, 1)).flatten();
                boolean split = session.branches().split();
                Tensor actual = session.draftRow(slot, split ? branch : 0, i).select(0, split ? 0 : branch);
                assertThat(actual.sub(expected).abs().max().item_double()).isCloseTo(0, within(1e-4));
            }
        }

        @Override
        public void close() {
            session.close();
        }
    }
}
