package org.coolsd.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.coolsd.models.tiny.Fixture.assertClose;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.coolsd.libtorch.KvCache;
import org.coolsd.libtorch.PassScope;
import org.coolsd.libtorch.Placement;
import org.coolsd.libtorch.Precision;
import org.coolsd.models.decoder.DecoderForward;
import org.coolsd.models.decoder.DecoderPass;
import org.coolsd.models.decoder.Prefix;
import org.coolsd.models.eagle.DrafterPass;
import org.coolsd.models.tiny.Fixture;
import org.coolsd.models.tiny.TinyModel;
import org.junit.jupiter.api.Test;

/** Passes over cached sequences equal the official code, however the positions are cut and whoever else is in the pass. */
class OfficialForwardTest {
    @Test
    void targetInRaggedPassesAndAfterRollBack() throws Exception {
        Fixture fixture = Fixture.open("gpt-c2i");
        DecoderForward target = TinyModel.load().target().decoder();
        Tensor expected = fixture.expected().get("features");
        Tensor expectedLogits = fixture.expected().get("logits");
        int[][] tokens = rows(fixture.expected().get("tokens"));
        long[] labels = values(fixture.expected().get("labels"));
        int positions = (int) expected.size(1);
        Random random = new Random(1);
        DecoderPass pass = target.newPass(2 * labels.length * positions);
        for (int round = 0; round < 20; round++) {
            List<KvCache> caches = new ArrayList<>();
            for (int b = 0; b < labels.length; b++) {
                caches.add(target.newCache(2));
            }
            boolean open = true;
            while (open) {
                pass.begin();
                int[] from = new int[labels.length];
                int[] n = new int[labels.length];
                int[] first = new int[labels.length];
                open = false;
                for (int b = 0; b < labels.length; b++) {
                    KvCache cache = caches.get(b);
                    if (random.nextInt(3) == 0) {
                        cache.rollBack(random.nextInt(cache.length() + 1));
                    }
                    from[b] = cache.length();
                    if (from[b] < positions) {
                        open = true;
                        n[b] = 1 + random.nextInt(positions - from[b]);
                        first[b] = pass.add(cache, prefixes(labels[b]), 0, tokens[b], n[b]);
                    }
                }
                if (!open) {
                    break;
                }
                try (PassScope scope = new PassScope()) {
                    pass.run();
                    for (int b = 0; b < labels.length; b++) {
                        for (int half = 0; half < 2 && n[b] > 0; half++) {
                            // The fixture has the conditional sequences first, then the unconditional ones.
                            int row = half * labels.length + b;
                            long at = first[b] + (long) half * n[b];
                            assertClose(
                                    pass.features().narrow(0, at, n[b]),
                                    expected.select(0, row).narrow(0, from[b], n[b]));
                            assertClose(
                                    pass.logits().narrow(0, at, n[b]),
                                    expectedLogits.select(0, row).narrow(0, from[b], n[b]));
                        }
                    }
                }
            }
            caches.forEach(KvCache::close);
        }
    }

    @Test
    void drafterInChunks() throws Exception {
        Fixture fixture = Fixture.open("eagle-c2i");
        TinyModel model = TinyModel.load(24, Precision.F32, Placement.cpu());
        int[][] tokens = rows(fixture.expected().get("tokens"));
        Tensor features = fixture.expected().get("input_features");
        Tensor expected = fixture.expected().get("output_features");
        int positions = (int) expected.size(1);
        DrafterPass pass = model.drafter().newPass(2 * positions);
        try (KvCache a = model.drafter().newCache(1);
                KvCache b = model.drafter().newCache(1)) {
            KvCache[] caches = {a, b};
            for (int[] chunks : new int[][] {{3, 1, 2, 1, 5}, {12}, {1, 1, 1, 4, 5}}) {
                a.rollBack(0);
                b.rollBack(0);
                for (int n : chunks) {
                    int at = a.length();
                    pass.begin();
                    for (int s = 0; s < 2; s++) {
                        assertThat(pass.add(caches[s], 1, tokens[s], at, n, s * positions + at, 0))
                                .isEqualTo(s);
                    }
                    try (PassScope scope = new PassScope()) {
                        pass.run(features.reshape(2L * positions, -1));
                        assertClose(pass.predicted().narrow(0, 0, 2), expected.select(1, at + n - 1L));
                    }
                }
            }
        }
    }

    /** Weights of fewer bits: not the official outputs, but close to them. */
    @Test
    void narrowPrecisions() throws Exception {
        for (Precision precision : new Precision[] {Precision.BF16, Precision.fastest()}) {
            double furthest =
                    logits(precision).sub(logits(Precision.F32)).abs().max().item_double();
            assertThat(furthest).isGreaterThan(0).isLessThan(precision == Precision.F16 ? 1e-2 : 0.1);
        }
    }

    private static Tensor logits(Precision precision) throws Exception {
        DecoderForward target =
                TinyModel.load(4, precision, Placement.cpu()).target().decoder();
        DecoderPass pass = target.newPass(32);
        try (KvCache cache = target.newCache(2);
                PassScope scope = new PassScope()) {
            pass.begin();
            pass.add(cache, prefixes(3), 0, new int[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, 16);
            pass.run();
            return pass.logits().clone().retainReference();
        }
    }

    @Test
    void cacheRefusesWhatDoesNotFit() throws Exception {
        DecoderForward target = TinyModel.load().target().decoder();
        DecoderPass pass = target.newPass(18);
        try (KvCache cache = target.newCache(1)) {
            assertThatThrownBy(() -> cache.rollBack(1)).hasMessage("length is 1, the cache holds 0");
            assertThatThrownBy(() -> pass.add(cache, prefixes(0), 0, new int[17], 18))
                    .hasMessage("18 more positions do not fit: 0 of 17 are taken");
            assertThatThrownBy(() -> pass.add(cache, prefixes(0), 0, new int[17], 0))
                    .hasMessage("n is 0, it must be at least 1");
            pass.add(cache, prefixes(0), 0, new int[17], 17);
            try (KvCache other = target.newCache(2)) {
                assertThatThrownBy(() -> pass.add(other, prefixes(0), 0, new int[17], 1))
                        .hasMessage("the pass would have 19 rows, it was made for 18");
            }
        }
    }

    /** What the conditional and the unconditional branch of a class begin with; class 10 is none. */
    private static Prefix[] prefixes(long label) {
        return new Prefix[] {Prefix.of(label), Prefix.of(10)};
    }

    private static int[][] rows(Tensor tokens) {
        int[][] rows = new int[(int) tokens.size(0)][(int) tokens.size(1)];
        long[] all = values(tokens);
        for (int i = 0; i < all.length; i++) {
            rows[i / rows[0].length][i % rows[0].length] = (int) all[i];
        }
        return rows;
    }

    private static long[] values(Tensor tensor) {
        Tensor wide = tensor.to(torch.ScalarType.Long).contiguous();
        long[] values = new long[(int) wide.numel()];
        new LongPointer(wide.data_ptr()).get(values);
        return values;
    }
}
