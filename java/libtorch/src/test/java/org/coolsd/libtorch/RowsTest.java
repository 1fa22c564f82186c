package org.coolsd.libtorch;

import static org.assertj.core.api.Assertions.assertThat;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class RowsTest {
    private static final int SIDE = 12;
    private static final int POSITIONS = SIDE * SIDE;
    private static final int CAPACITY = 6;
    private static final int HEADS = 2;
    private static final int HEAD_DIM = 8;

    @BeforeAll
    static void load() throws Exception {
        LibTorch.load(1);
    }

    private static final DecoderShape SHAPE = DecoderShape.of(1, HEADS * HEAD_DIM, HEADS, 32, 1e-5);

    private static Tensor mask(Rows rows) {
        return rows.segments().get(0).mask().get();
    }

    /** Row i of a pass sees the positions up to its own and nothing else of the blocks that it attends over. */
    @Test
    void everyPassHidesWhatIsBehindItsRows() {
        try (PassScope scope = new PassScope();
                Rotary rotary = Rotary.grid(SIDE, 0, HEAD_DIM, 10000);
                Rows rows = new Rows(Placement.cpu(), CAPACITY, POSITIONS, SHAPE, rotary);
                KvCache cache = new KvCache(Placement.cpu(), SHAPE, 1, POSITIONS)) {
            for (int from = 0; from < POSITIONS; from++) {
                for (int n = 1; n <= Math.min(CAPACITY, POSITIONS - from); n++) {
                    rows.begin();
                    rows.add(cache, n, 0);
                    Tensor mask = mask(rows);
                    assertThat(mask.size(0)).isEqualTo(n);
                    assertThat(mask.size(1)).isEqualTo(cache.seen(from + n));
                    float[] values = new float[(int) mask.numel()];
                    mask.contiguous().data_ptr_float().get(values);
                    for (int i = 0; i < n; i++) {
                        for (int j = 0; j < mask.size(1); j++) {
                            float expected = j <= from + i ? 0 : Float.NEGATIVE_INFINITY;
                            assertThat(values[i * (int) mask.size(1) + j]).isEqualTo(expected);
                        }
                    }
                }
                cache.advance(1);
            }
        }
    }

    /** Masks grow with the rows of a pass, not with the square of the sequence. */
    @Test
    void masksOfALongSequenceAreAsLargeAsItsPasses() {
        int side = 100;
        try (PassScope scope = new PassScope();
                Rotary rotary = Rotary.grid(side, 0, HEAD_DIM, 10000);
                Rows rows = new Rows(Placement.cpu(), CAPACITY, side * side, SHAPE, rotary);
                KvCache cache = new KvCache(Placement.cpu(), SHAPE, 1, side * side)) {
            rows.begin();
            rows.add(cache, CAPACITY, 0);
            assertThat(mask(rows).storage().nbytes()).isLessThan(2L * CAPACITY * side * side * Float.BYTES);
            assertThat(mask(rows).scalar_type().intern()).isEqualTo(ScalarType.Float);
        }
    }
}
