package org.coolsd.libtorch;

import static org.assertj.core.api.Assertions.assertThat;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class RotaryTest {
    @BeforeAll
    static void load() throws Exception {
        LibTorch.load(1);
    }

    private static Tensor counted(long rows, long columns) {
        float[] values = new float[(int) (rows * columns)];
        for (int i = 0; i < values.length; i++) {
            values[i] = i;
        }
        return Tensors.of(values, rows, columns);
    }

    /** Wherever a piece begins and ends: within a head, at its end, or several heads further on. */
    @Test
    void neighboursOfAMatrixInPieces() {
        int headDim = 6;
        Tensor channels = counted(4L * headDim, 3);
        Tensor whole = Rotary.neighbours(channels, headDim);
        Matrix pieces = Rotary.neighbours(Matrix.of(channels), headDim);
        assertThat(pieces.rows()).isEqualTo(24);
        assertThat(pieces.columns()).isEqualTo(3);
        for (int first = 0; first < 24; first++) {
            for (int n = 1; first + n <= 24; n++) {
                assertThat(pieces.read(first, n).equal(whole.narrow(0, first, n)))
                        .as("%d rows from %d", n, first)
                        .isTrue();
            }
        }
        // Of a head's channels 0 to 5, which turn as (0, 3), (1, 4) and (2, 5).
        long[] order = {0, 3, 1, 4, 2, 5};
        for (int i = 0; i < order.length; i++) {
            assertThat(whole.select(0, i).equal(channels.select(0, order[i]))).isTrue();
        }
    }

    @Test
    void anotherBeginning() {
        Tensor x = torch.randn(new long[] {1, 5, 2, 4}, new TensorOptions(ScalarType.Float));
        try (Rotary line = Rotary.line(8, 4, 10000);
                Rotary later = line.from(3, 5);
                Rotary earlier = line.from(-2, 5)) {
            Tensor padded = torch.cat(new TensorVector(torch.zeros(1, 3, 2, 4), x), 1);
            assertThat(later.turn(x).equal(line.turn(padded).narrow(1, 3, 5))).isTrue();
            Tensor turned = earlier.turn(x);
            for (int row = 0; row < 3; row++) {
                assertThat(turned.narrow(1, row, 1).equal(line.turn(x.narrow(1, row, 1))))
                        .isTrue();
            }
        }
    }
}
