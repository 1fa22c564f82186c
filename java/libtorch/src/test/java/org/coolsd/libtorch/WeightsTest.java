package org.coolsd.libtorch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.coolsd.checkpoint.ElementType;
import org.coolsd.checkpoint.TensorData;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Tensors are read when they are asked for, and only those. */
class WeightsTest {
    private final List<String> reads = new ArrayList<>();

    @BeforeAll
    static void load() throws Exception {
        LibTorch.load(1);
    }

    /** bf16 tensor whose element i is i mod 128; what is read of it is noted. */
    private final class Noted implements TensorData {
        private final String name;
        private final long[] shape;

        Noted(String name, long... shape) {
            this.name = name;
            this.shape = shape;
        }

        @Override
        public ElementType type() {
            return ElementType.BF16;
        }

        @Override
        public long[] shape() {
            return shape.clone();
        }

        @Override
        public void read(long offset, ByteBuffer into) throws IOException {
            if (name.equals("broken")) {
                throw new IOException("x.pt: cut short at byte 7");
            }
            reads.add(name);
            into.order(ByteOrder.LITTLE_ENDIAN);
            for (long i = offset / 2; into.hasRemaining(); i++) {
                into.putShort((short) (Float.floatToRawIntBits(i % 128) >>> 16));
            }
        }
    }

    private Map<String, TensorData> stored() {
        Map<String, TensorData> stored = new LinkedHashMap<>();
        stored.put("a", new Noted("a", 3, 5));
        stored.put("b", new Noted("b", 4, 5));
        stored.put("broken", new Noted("broken", 2));
        return stored;
    }

    @Test
    void onlyWhatIsAskedForIsRead() {
        try (Weights weights = Weights.in(stored(), ScalarType.Float)) {
            assertThat(weights.has("a")).isTrue();
            assertThat(weights.has("c")).isFalse();
            assertThat(weights.names()).containsExactly("a", "b", "broken");
            Matrix matrix = weights.matrix("b", -1, 5);
            assertThat(reads).isEmpty();
            assertThat(weights.get("a", 3, 5).sum().item_float()).isEqualTo(105);
            assertThat(reads).containsExactly("a");
            assertThat(matrix.read(1, 2).scalar_type().intern()).isEqualTo(ScalarType.BFloat16);
            assertThat(matrix.read(3, 1).sum().item_float()).isEqualTo(85);
            assertThat(weights.asked()).containsExactly("b", "a");
        }
    }

    @Test
    void whatDoesNotFitIsRefusedUnread() {
        try (Weights weights = Weights.in(stored(), ScalarType.Float)) {
            assertThatThrownBy(() -> weights.get("c", 1))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("the checkpoint has no tensor 'c'");
            assertThatThrownBy(() -> weights.get("a", 5, 3))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("tensor 'a' has shape [3, 5], the configuration asks for [5, 3]");
            assertThatThrownBy(() -> weights.matrix("a", 3, 4))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("tensor 'a' has shape [3, 5], the configuration asks for [3, 4]");
            assertThatThrownBy(() -> weights.get("broken", 2))
                    .isInstanceOf(UncheckedIOException.class)
                    .hasRootCauseMessage("x.pt: cut short at byte 7");
            assertThat(reads).isEmpty();
        }
    }

    @Test
    void keptTensorsAreReadOnceAndFreedOnce() {
        Weights weights = Weights.keptFrom(stored(), ScalarType.Float);
        Tensor first = weights.get("a", 3, 5);
        assertThat(weights.get("a", 3, 5).data_ptr().address())
                .isEqualTo(first.data_ptr().address());
        assertThat(reads).containsExactly("a");
        assertThat(weights.tensors()).containsOnlyKeys("a");
        weights.close();
        weights.close();
        assertThatThrownBy(() -> weights.get("a", 3, 5)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> weights.matrix("a", 3, 5)).isInstanceOf(IllegalStateException.class);
    }

    /** Pieces that end in the middle of a part, in every precision: the products are those of the whole matrix. */
    @Test
    void matricesOfPartsAreMadePieceByPiece() {
        try (PassScope scope = new PassScope();
                Weights weights = Weights.in(
                        Map.of("top", new Noted("top", 700, 1024), "below", new Noted("below", 900, 1024)),
                        ScalarType.Float)) {
            Matrix both = weights.matrix("top", 700, 1024).above(weights.matrix("below", 900, 1024));
            assertThat(both.rows()).isEqualTo(1600);
            Tensor whole = torch.cat(
                    new org.bytedeco.pytorch.TensorVector(
                            weights.get("top", 700, 1024), weights.get("below", 900, 1024)),
                    0);
            Tensor scale = torch.rand(1024);
            Tensor x = torch.randn(3, 1024);
            for (Precision precision : Precision.values()) {
                OwnedTensors owner = new OwnedTensors();
                Tensor pieces = Linear.of(both, scale, null, precision, Placement.cpu(), owner)
                        .apply(x);
                Tensor expected = Linear.of(whole.mul(scale), null, precision, Placement.cpu(), owner)
                        .apply(x);
                assertThat(pieces.equal(expected)).as(precision.toString()).isTrue();
                owner.close();
            }
        }
    }
}
