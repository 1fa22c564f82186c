package org.coolsd.images.decoding;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.coolsd.Sampling;
import org.coolsd.Schedule;
import org.coolsd.images.ImageRequest;
import org.coolsd.libtorch.Precision;
import org.coolsd.libtorch.Tensors;
import org.coolsd.models.eagle.EagleConfig;
import org.coolsd.models.eagle.EagleDrafter;
import org.coolsd.models.llamagen.LlamaGen;
import org.coolsd.models.llamagen.LlamaGenConfig;
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
        List<ImageRequest> requests = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            requests.add(new ImageRequest(i, 40 + i));
        }
        DecoderOptions[] ways = {
            DecoderOptions.of(),
            DecoderOptions.of().threads(2),
            DecoderOptions.of().batch(3).draftLength(DraftLength.adaptive(0.6))
        };
        for (DecoderOptions way : ways) {
            try (SpeculativeDecoder decoder = TinyDecoders.of(
                    model, Schedule.uniform(1.5).draftLength(4), Sampling.of().guidance(2), way)) {
                checked = 0;
                decoder.decode(requests, check(decoder, requests), new Cancellation());
                assertThat(checked).isGreaterThan(50);
            }
        }
    }

    private DecodingListener check(SpeculativeDecoder decoder, List<ImageRequest> requests) {
        return new DecodingListener() {
            @Override
            public void verified(int image, int drafted, int accepted, double drift) {
                Sequence sequence = decoder.sequences().stream()
                        .filter(s -> s.image() == image)
                        .findFirst()
                        .orElseThrow();
                int before = sequence.decided() - sequence.lastDecided();
                // The token behind the accepted ones was drafted as another than it is now.
                for (int i = 0; i < Math.min(drafted, accepted + 1); i++) {
                    for (int half = 0; half < 2; half++) {
                        compare(sequence, requests.get(image).label(), before, i, half);
                        checked++;
                    }
                }
            }
        };
    }

    private void compare(Sequence sequence, int label, int decided, int i, int half) {
        try (NoGradGuard guard = new NoGradGuard();
                PointerScope scope = new PointerScope()) {
            long[] ids = new long[decided + i];
            for (int t = 0; t < ids.length; t++) {
                ids[t] = sequence.tokens()[t];
            }
            long condition = half == 0 ? label : target.config().nullClass();
            // Feature p is what token p was drawn from; drafted tokens were drawn from the drafter's own predictions.
            Tensor features = target.features(
                            Tensors.of(new long[] {condition}, 1),
                            Tensors.of(ids, 1, ids.length).narrow(1, 0, decided))
                    .narrow(1, 0, decided);
            Tensor predicted = null;
            for (int j = 0; j <= i; j++) {
                Tensor tokens = Tensors.of(ids, 1, ids.length).narrow(1, 0, decided + j);
                predicted = drafter.features(tokens, features).narrow(1, decided + j - 1L, 1);
                features = torch.cat(new TensorVector(features, predicted), 1);
            }
            Tensor expected = target.logits(predicted).flatten();
            Part part = sequence.parts.get(sequence.parts.size() == 2 ? half : 0);
            Tensor actual = part.draftRows[i].select(0, part.halves == 2 ? half : 0);
            assertThat(actual.sub(expected).abs().max().item_double()).isCloseTo(0, within(1e-4));
        }
    }
}
