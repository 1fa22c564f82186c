package org.coolsd.models.eagle;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.LongStream;
import org.bytedeco.pytorch.Tensor;
import org.coolsd.Sampling;
import org.coolsd.Schedule;
import org.coolsd.decode.DecoderOptions;
import org.coolsd.decode.DraftPolicy;
import org.coolsd.decode.Request;
import org.coolsd.libtorch.KvCache;
import org.coolsd.libtorch.Precision;
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
    @Test
    void draftLogitsAreThoseOfWholeSequences() throws Exception {
        TinyModel model = TinyModel.load();
        Fixture gpt = Fixture.open("gpt-c2i");
        LlamaGen target =
                LlamaGen.forInference(gpt.config(LlamaGenConfig.class), gpt.weights("model.pt"), Precision.F32);
        Fixture eagle = Fixture.open("eagle-c2i");
        EagleDrafter drafter = EagleDrafter.forInference(
                eagle.config(EagleConfig.class), 4, eagle.weights("pytorch_model.bin"), Precision.F32);
        DraftRows.Whole<Integer> whole = new DraftRows.Whole<>() {
            @Override
            public long[] prefix(Integer label, boolean conditional) {
                return new long[0];
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
            public Tensor predicted(Integer label, Tensor rows, Tensor features) {
                return drafter.features(rows, features);
            }
        };
        Sampling guided = Sampling.of().guidance(2);
        List<Request<Integer>> requests = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            requests.add(Request.of(i, 40 + i, guided, 16));
        }
        DecoderOptions options = DecoderOptions.of(4).schedule(Schedule.uniform(1.5));
        for (int threads = 1; threads <= 2; threads++) {
            assertThat(DraftRows.compare(
                            whole,
                            new LlamaGenTarget(model.target(), true, threads),
                            new EagleModel<>(model.drafter()),
                            options,
                            requests))
                    .isGreaterThan(50);
        }
        DecoderOptions batch = options.slots(3).drafts(DraftPolicy.adaptive(0.6));
        assertThat(DraftRows.compare(
                        whole,
                        new LlamaGenTarget(model.target(), true, 1),
                        new EagleModel<>(model.drafter()),
                        batch,
                        requests))
                .isGreaterThan(50);
    }

    /** Behind captions of different length, whose positions the drafter reads too. */
    @Test
    void draftLogitsBehindCaptions() throws Exception {
        TinyModel model = TinyModel.ofCaptions(4);
        Fixture eagle = Fixture.open("eagle-t2i");
        Weights weights = eagle.weights("pytorch_model.bin");
        EagleConfig config = eagle.config(EagleConfig.class);
        EagleDrafter drafter = new EagleDrafter(
                new LlamaGenEagle(config, weights), LlamaGenEagle.input(config, 4, 120), Precision.F32, false);
        DecoderForward forward = model.target().decoder();
        DraftRows.Whole<Caption> whole = new DraftRows.Whole<>() {
            @Override
            public long[] prefix(Caption caption, boolean conditional) {
                return new long[caption.positions() - 1];
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
            public Tensor predicted(Caption caption, Tensor rows, Tensor features) {
                return drafter.features(rows, features, caption.positions());
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
        assertThat(DraftRows.compare(
                        whole, model.target().captions(true, 2), new EagleModel<>(model.drafter()), options, requests))
                .isGreaterThan(50);
        assertThat(DraftRows.compare(
                        whole,
                        model.target().captions(true, 2),
                        new EagleModel<>(model.drafter()),
                        options.slots(3),
                        requests))
                .isGreaterThan(50);
    }
}
