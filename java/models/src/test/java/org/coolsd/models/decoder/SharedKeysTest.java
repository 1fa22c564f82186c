package org.coolsd.models.decoder;

import static org.coolsd.models.tiny.Fixture.assertClose;

import java.util.List;
import java.util.function.IntToLongFunction;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.coolsd.libtorch.DecoderShape;
import org.coolsd.libtorch.KvCache;
import org.coolsd.libtorch.LayerWeights;
import org.coolsd.libtorch.LibTorch;
import org.coolsd.libtorch.Matrix;
import org.coolsd.libtorch.PassScope;
import org.coolsd.libtorch.Placement;
import org.coolsd.libtorch.Precision;
import org.coolsd.libtorch.Rotary;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Heads that share keys and values give what heads with copies of these give. */
class SharedKeysTest {
    private static final int DIM = 32;
    private static final int HEADS = 4;
    private static final int KEY_HEADS = 2;
    private static final int HEAD_DIM = 8;
    private static final int POSITIONS = 12;

    @BeforeAll
    static void load() throws Exception {
        LibTorch.load(1);
    }

    /** Random tensors of one layer, of which keys and values may be given out once for each head of queries. */
    private record Random(
            boolean copied, Tensor table, Tensor query, Tensor key, Tensor value, Tensor square, Tensor ones)
            implements DecoderWeights {
        static Random of() {
            return new Random(
                    false,
                    torch.randn(20, DIM),
                    torch.randn(DIM, DIM),
                    torch.randn(KEY_HEADS * HEAD_DIM, DIM),
                    torch.randn(KEY_HEADS * HEAD_DIM, DIM),
                    torch.randn(DIM, DIM),
                    torch.ones(DIM));
        }

        Random withCopies() {
            return new Random(true, table, query, key, value, square, ones);
        }

        private Matrix shared(Tensor matrix) {
            if (!copied) {
                return Matrix.of(matrix);
            }
            TensorVector heads = new TensorVector();
            for (int head = 0; head < HEADS; head++) {
                heads.push_back(matrix.narrow(0, (long) head * KEY_HEADS / HEADS * HEAD_DIM, HEAD_DIM));
            }
            return Matrix.of(torch.cat(heads, 0));
        }

        @Override
        public Tensor embedding() {
            return table;
        }

        @Override
        public IntToLongFunction ids() {
            return token -> token;
        }

        @Override
        public LayerWeights<Matrix> layer(int i) {
            Matrix m = Matrix.of(square);
            return new LayerWeights<>(ones, List.of(Matrix.of(query), shared(key), shared(value)), m, ones, m, m, m);
        }

        @Override
        public Tensor norm() {
            return ones;
        }

        @Override
        public Matrix head() {
            return Matrix.of(table);
        }
    }

    private static Tensor features(Random weights, int keyHeads) {
        DecoderShape shape = new DecoderShape(1, DIM, HEADS, keyHeads, HEAD_DIM, DIM, 1e-5);
        Rotary rotary = Rotary.line(POSITIONS, HEAD_DIM, 10000);
        try (DecoderForward forward =
                        new DecoderForward(shape, weights, rotary, POSITIONS, Precision.F32, Placement.cpu());
                DecoderPass pass = forward.newPass(POSITIONS);
                KvCache cache = forward.newCache(1)) {
            Tensor all = torch.zeros(POSITIONS, DIM);
            int[] tokens = {3, 1, 4, 1, 5, 9, 2, 6, 5};
            for (int n : new int[] {5, 1, 6}) {
                int from = cache.length();
                pass.begin();
                pass.add(cache, new Prefix[] {Prefix.of(7, 8, 9)}, 0, tokens, n);
                pass.run();
                all.narrow(0, from, n).copy_(pass.features().narrow(0, 0, n));
            }
            return all;
        }
    }

    @Test
    void sharedKeysAreCopiesOfKeys() {
        try (PassScope scope = new PassScope()) {
            Random weights = Random.of();
            assertClose(features(weights, KEY_HEADS), features(weights.withCopies(), HEADS));
        }
    }
}
