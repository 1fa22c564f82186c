package org.coolsd.models.eagle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.LongStream;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.coolsd.Logits;
import org.coolsd.Sampling;
import org.coolsd.Schedule;
import org.coolsd.decode.Decoder;
import org.coolsd.decode.DecoderOptions;
import org.coolsd.decode.DraftPolicy;
import org.coolsd.decode.DraftSession;
import org.coolsd.decode.Drafter;
import org.coolsd.decode.Request;
import org.coolsd.decode.TargetModel;
import org.coolsd.libtorch.KvCache;
import org.coolsd.libtorch.PassScope;
import org.coolsd.libtorch.Precision;
import org.coolsd.libtorch.Rotary;
import org.coolsd.libtorch.Tensors;
import org.coolsd.libtorch.Weights;
import org.coolsd.models.decoder.DecoderForward;
import org.coolsd.models.decoder.DecoderPass;
import org.coolsd.models.decoder.Prefix;
import org.coolsd.models.llamagen.Caption;
import org.coolsd.models.llamagen.LlamaGen;
import org.coolsd.models.llamagen.LlamaGenConfig;
import org.coolsd.models.llamagen.LlamaGenTarget;
import org.coolsd.models.tiny.Fixture;
import org.coolsd.models.tiny.TinyModel;
import org.junit.jupiter.api.Test;

/**
 * What is drafted from, step by step, against whole-sequence models: a drafter that reads wrong rows or a stale cache would only
 * cost acceptance, so no law shows it.
 */
class DraftRowsTest {
    private int checked;

    /** The target and the drafter over whole sequences. */
    private interface Whole<C> {
        /** Positions before the first token's. */
        int prefix(C condition);

        /** Features [1, prefix + n, dim] of a branch with {@code ids} [n]. */
        Tensor features(C condition, boolean conditional, long[] ids);

        Tensor logits(Tensor features);

        /** What the drafter predicts behind tokens i64 [1, n] and features [1, n, dim]. */
        Tensor predicted(C condition, Tensor tokens, Tensor features);
    }

    @Test
    void draftLogitsAreThoseOfWholeSequences() throws Exception {
        TinyModel model = TinyModel.load();
        Fixture gpt = Fixture.open("gpt-c2i");
        LlamaGen target =
                LlamaGen.forInference(gpt.config(LlamaGenConfig.class), gpt.weights("model.pt"), Precision.F32);
        Fixture eagle = Fixture.open("eagle-c2i");
        EagleDrafter drafter = EagleDrafter.forInference(
                eagle.config(EagleConfig.class), 4, eagle.weights("pytorch_model.bin"), Precision.F32);
        Whole<Integer> whole = new Whole<>() {
            @Override
            public int prefix(Integer label) {
                return 1;
            }

            @Override
            public Tensor features(Integer label, boolean conditional, long[] ids) {
                long read = conditional ? label : target.config().nullClass();
                return target.features(Tensors.of(new long[] {read}, 1), Tensors.of(ids, 1, ids.length));
            }

            @Override
            public Tensor logits(Tensor features) {
                return target.logits(features);
            }

            @Override
            public Tensor predicted(Integer label, Tensor tokens, Tensor features) {
                return drafter.features(tokens, features);
            }
        };
        Sampling guided = Sampling.of().guidance(2);
        List<Request<Integer>> requests = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            requests.add(Request.of(i, 40 + i, guided, 16));
        }
        DecoderOptions options = DecoderOptions.of(4).schedule(Schedule.uniform(1.5));
        for (int threads = 1; threads <= 2; threads++) {
            compare(whole, new LlamaGenTarget(model.target(), true, threads), model, options, requests);
        }
        DecoderOptions batch = options.slots(3).drafts(DraftPolicy.adaptive(0.6));
        compare(whole, new LlamaGenTarget(model.target(), true, 1), model, batch, requests);
    }

    /** Behind captions of different length, whose positions the drafter reads too. */
    @Test
    void draftLogitsBehindCaptions() throws Exception {
        TinyModel model = TinyModel.ofCaptions(4);
        Fixture eagle = Fixture.open("eagle-t2i");
        Weights weights = eagle.weights("pytorch_model.bin");
        EagleConfig config = eagle.config(EagleConfig.class);
        DecoderForward forward = model.target().decoder();
        Whole<Caption> whole = new Whole<>() {
            @Override
            public int prefix(Caption caption) {
                return caption.positions();
            }

            @Override
            public Tensor features(Caption caption, boolean conditional, long[] ids) {
                int n = caption.positions() + ids.length;
                int[] tokens = LongStream.of(ids).mapToInt(id -> (int) id).toArray();
                try (DecoderPass pass = forward.newPass(n);
                        KvCache cache = forward.newCache(1)) {
                    pass.begin();
                    pass.add(
                            cache,
                            new Prefix[] {model.target().prefix(caption, conditional)},
                            1 - caption.positions(),
                            tokens,
                            n);
                    pass.run();
                    return pass.features().narrow(0, 0, n).clone().unsqueeze(0);
                }
            }

            @Override
            public Tensor logits(Tensor features) {
                return forward.logits(features.flatten(0, 1));
            }

            @Override
            public Tensor predicted(Caption caption, Tensor tokens, Tensor features) {
                Rotary rotary = EagleDrafter.rotary(config, 4, caption.positions() - 1);
                return new EagleDrafter(config, rotary, weights, Precision.F32, false).features(tokens, features);
            }
        };
        Sampling guided = Sampling.of().guidance(2);
        Random random = new Random(1);
        List<Request<Caption>> requests = new ArrayList<>();
        for (int positions : new int[] {1, 7, 120, 66, 2}) {
            float[] embeddings = new float[positions * 32];
            for (int i = 0; i < embeddings.length; i++) {
                embeddings[i] = (float) random.nextGaussian();
            }
            requests.add(Request.of(new Caption(embeddings, positions, 32), positions, guided, 8));
        }
        DecoderOptions options = DecoderOptions.of(4).schedule(Schedule.uniform(1.5));
        compare(whole, model.target().captions(true, 2), model, options, requests);
        compare(whole, model.target().captions(true, 2), model, options.slots(3), requests);
    }

    private <C> void compare(
            Whole<C> whole, TargetModel<C> target, TinyModel model, DecoderOptions options, List<Request<C>> requests) {
        Drafter<C> eagle = new EagleModel<>(model.drafter());
        Drafter<C> checking = (session, verifier, slots) ->
                new Checking<>(whole, (EagleDrafts<C>) eagle.open(session, verifier, slots), slots);
        checked = 0;
        try (Decoder<C> decoder = new Decoder<>(target, checking, options)) {
            decoder.decode(requests);
        }
        assertThat(checked).isGreaterThan(50);
    }

    /** Compares what a step drafted from, as soon as it is verified. */
    private final class Checking<C> implements DraftSession<C> {
        private final Whole<C> whole;
        private final EagleDrafts<C> session;
        private final List<C> conditions = new ArrayList<>();
        /** Of each slot: decided tokens, then the drafted ones. */
        private final long[][] tokens;

        private final int[] decided;
        private final int[] drafted;

        Checking(Whole<C> whole, EagleDrafts<C> session, int slots) {
            this.whole = whole;
            this.session = session;
            conditions.addAll(Collections.nCopies(slots, null));
            tokens = new long[slots][32];
            decided = new int[slots];
            drafted = new int[slots];
        }

        @Override
        public void begin(int slot, Request<C> request) {
            conditions.set(slot, request.condition());
            decided[slot] = 0;
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
            for (int i = 0; i < count; i++) {
                tokens[slot][decided[slot]++] = yielded[i];
            }
        }

        private void compareRow(int slot, int i, int branch) {
            try (PassScope scope = new PassScope()) {
                int before = decided[slot];
                C condition = conditions.get(slot);
                int skipped = whole.prefix(condition) - 1;
                // What the drafter reads: nothing for positions of the prefix, then the tokens.
                long[] ids = new long[skipped + before + i];
                System.arraycopy(tokens[slot], 0, ids, skipped, before + i);
                // Feature p is what token p was drawn from; drafted tokens were drawn from the drafter's own
                // predictions.
                Tensor features = whole.features(condition, branch == 0, Arrays.copyOf(tokens[slot], before))
                        .narrow(1, 0, skipped + (long) before);
                Tensor predicted = null;
                for (int j = 0; j <= i; j++) {
                    long n = skipped + (long) before + j;
                    Tensor read = Tensors.of(ids, 1, ids.length).narrow(1, 0, n);
                    predicted = whole.predicted(condition, read, features).narrow(1, n - 1, 1);
                    features = torch.cat(new TensorVector(features, predicted), 1);
                }
                Tensor expected = whole.logits(predicted).flatten();
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
