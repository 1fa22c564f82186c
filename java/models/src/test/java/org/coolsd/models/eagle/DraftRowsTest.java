package org.coolsd.models.eagle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
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
import org.coolsd.libtorch.Precision;
import org.coolsd.libtorch.Tensors;
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
    private LlamaGen target;
    private EagleDrafter drafter;
    private int checked;

    @Test
    void draftLogitsAreThoseOfWholeSequences() throws Exception {
        TinyModel model = TinyModel.load();
        Fixture gpt = Fixture.open("gpt-c2i");
        target = LlamaGen.forInference(gpt.config(LlamaGenConfig.class), gpt.weights("model.pt"), Precision.F32);
        Fixture eagle = Fixture.open("eagle-c2i");
        drafter = EagleDrafter.forInference(
                eagle.config(EagleConfig.class), 4, eagle.weights("pytorch_model.bin"), Precision.F32);
        Sampling guided = Sampling.of().guidance(2);
        List<Request<Integer>> requests = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            requests.add(Request.of(i, 40 + i, guided, 16));
        }
        DecoderOptions options = DecoderOptions.of(4).schedule(Schedule.uniform(1.5));
        compare(model, options, 1, requests);
        compare(model, options, 2, requests);
        compare(model, options.slots(3).drafts(DraftPolicy.adaptive(0.6)), 1, requests);
    }

    private void compare(TinyModel model, DecoderOptions options, int threads, List<Request<Integer>> requests) {
        Drafter<Integer> eagle = new EagleModel(model.drafter());
        Drafter<Integer> checking =
                (session, verifier, slots) -> new Checking((EagleDrafts) eagle.open(session, verifier, slots), slots);
        checked = 0;
        try (Decoder<Integer> decoder =
                new Decoder<>(new LlamaGenTarget(model.target(), true, threads), checking, options)) {
            decoder.decode(requests);
        }
        assertThat(checked).isGreaterThan(50);
    }

    /** Compares what a step drafted from, as soon as it is verified. */
    private final class Checking implements DraftSession<Integer> {
        private final EagleDrafts session;
        private final int[] labels;
        /** Of each slot: decided tokens, then the drafted ones. */
        private final long[][] tokens;

        private final int[] decided;
        private final int[] drafted;

        Checking(EagleDrafts session, int slots) {
            this.session = session;
            labels = new int[slots];
            tokens = new long[slots][32];
            decided = new int[slots];
            drafted = new int[slots];
        }

        @Override
        public void begin(int slot, Request<Integer> request) {
            labels[slot] = request.condition();
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
            try (NoGradGuard guard = new NoGradGuard();
                    PointerScope scope = new PointerScope()) {
                int before = decided[slot];
                long[] ids = java.util.Arrays.copyOf(tokens[slot], before + i);
                long condition = branch == 0 ? labels[slot] : target.config().nullClass();
                // Feature p is what token p was drawn from; drafted tokens were drawn from the drafter's own
                // predictions.
                Tensor features = target.features(
                                Tensors.of(new long[] {condition}, 1),
                                Tensors.of(ids, 1, ids.length).narrow(1, 0, before))
                        .narrow(1, 0, before);
                Tensor predicted = null;
                for (int j = 0; j <= i; j++) {
                    Tensor read = Tensors.of(ids, 1, ids.length).narrow(1, 0, before + j);
                    predicted = drafter.features(read, features).narrow(1, before + j - 1L, 1);
                    features = torch.cat(new TensorVector(features, predicted), 1);
                }
                Tensor expected = target.logits(predicted).flatten();
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
