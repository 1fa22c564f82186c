package org.coolsd.libtorch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.InferenceMode;
import org.bytedeco.pytorch.Scalar;
import org.junit.jupiter.api.Test;

/** A cache grows with its sequence and keeps what it holds. */
class KvCacheTest {
    private static final DecoderShape SHAPE = new DecoderShape(2, 8, 2, 1, 4, 16, 1e-5);

    @Test
    void growingKeepsTheRowsOfBothHalves() throws Exception {
        LibTorch.load(1);
        int longest = 3001;
        try (KvCache cache = new KvCache(Placement.cpu(), SHAPE, 2, longest);
                InferenceMode inference = new InferenceMode(true)) {
            assertThat(cache.capacity()).isEqualTo(KvCache.FIRST);
            int written = 0;
            while (written < longest) {
                int n = Math.min(700, longest - written);
                cache.makeRoom(n);
                for (int half = 0; half < 2; half++) {
                    for (int layer = 0; layer < 2; layer++) {
                        for (int i = written; i < written + n; i++) {
                            cache.flat(layer).select(0, cache.row(half, i)).fill_(new Scalar(value(half, layer, i)));
                        }
                    }
                }
                cache.advance(n);
                written += n;
                for (int i = 0; i < written; i += 97) {
                    for (int half = 0; half < 2; half++) {
                        assertThat(cache.keys(1, written)
                                        .select(0, half)
                                        .select(0, 0)
                                        .select(0, i)
                                        .select(0, 0)
                                        .item_float())
                                .isEqualTo(value(half, 1, i));
                        assertThat(cache.values(0, written)
                                        .select(0, half)
                                        .select(0, 0)
                                        .select(0, i)
                                        .select(0, 3)
                                        .item_float())
                                .isEqualTo(value(half, 0, i));
                    }
                }
            }
            assertThat(cache.capacity()).isEqualTo(longest);
            assertThatThrownBy(() -> cache.makeRoom(1))
                    .hasMessage("1 more positions do not fit: 3001 of 3001 are taken");
        }
    }

    private static float value(int half, int layer, int position) {
        return position + 10_000 * half + 20_000 * layer;
    }

    @Test
    void aShortSequenceTakesNoMemoryForTheLongest() throws Exception {
        LibTorch.load(1);
        long before = Pointer.physicalBytes();
        // 2 million positions would be 256 MB a half.
        try (KvCache cache = new KvCache(Placement.cpu(), SHAPE, 2, 2_000_000)) {
            cache.makeRoom(900);
            assertThat(Pointer.physicalBytes() - before).isLessThan(100 << 20);
        }
    }
}
