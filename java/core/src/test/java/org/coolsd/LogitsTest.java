package org.coolsd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Logits come from wherever a buffer has them, or are refused in words. */
class LogitsTest {
    private static final int VOCAB = 8;
    /** The largest stands at 4; of the same bytes in the other order, elsewhere. */
    private static final float[] VALUES = {0, 1, 2, 3, 9, 1, 0, -1};

    private static int argmax(Logits logits) {
        Sampling greedy = Sampling.of().temperature(0);
        VerifierSpec spec = VerifierSpec.of(VOCAB, Schedule.lossless().draftLength(0), greedy);
        try (Verifier verifier = Verifier.open(Backend.cpu(), spec)) {
            return verifier.sample(logits, Purpose.BONUS, 1, 0);
        }
    }

    /** {@link #VALUES} as {@code type} behind {@code skipped} bytes of the largest number, which would win if it were read. */
    private static ByteBuffer bytes(Logits.Type type, ByteOrder order, int skipped) {
        ByteBuffer bytes =
                ByteBuffer.allocateDirect(2 * skipped + VOCAB * type.size()).order(order);
        for (int i = 0; i < bytes.capacity(); i++) {
            bytes.put(i, (byte) 0x44);
        }
        for (int v = 0; v < VOCAB; v++) {
            HalfTypes.put(bytes, skipped + v * type.size(), VALUES[v], type);
        }
        return bytes.position(skipped).limit(skipped + VOCAB * type.size());
    }

    private static ByteBuffer nativeBytes(Logits.Type type, int skipped) {
        return bytes(type, ByteOrder.nativeOrder(), skipped);
    }

    @Test
    void foreignByteOrderIsRefused() {
        FloatBuffer fresh =
                ByteBuffer.allocateDirect(32).asFloatBuffer().put(VALUES).flip();
        assertThatThrownBy(() -> Logits.of(fresh, 1, VOCAB))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("byte order BIG_ENDIAN")
                .hasMessageContaining("ByteOrder.nativeOrder()");
        ByteBuffer foreign = bytes(Logits.Type.BF16, ByteOrder.BIG_ENDIAN, 0);
        assertThatThrownBy(() -> Logits.of(foreign, Logits.Type.BF16, 1, VOCAB)).hasMessageContaining("byte order");
        assertThatThrownBy(() -> Logits.of(foreign.slice().asShortBuffer(), Logits.Type.BF16, 1, VOCAB))
                .hasMessageContaining("byte order");
    }

    @ParameterizedTest
    @EnumSource
    void everyTypeIsReadFromItsBytes(Logits.Type type) {
        assertThat(argmax(Logits.of(nativeBytes(type, 0), type, 1, VOCAB))).isEqualTo(4);
        assertThat(argmax(Logits.of(nativeBytes(type, 8), type, 1, VOCAB))).isEqualTo(4);
        assertThat(argmax(Logits.of(nativeBytes(type, 8).slice().order(ByteOrder.nativeOrder()), type, 1, VOCAB)))
                .isEqualTo(4);
        ByteBuffer readOnly = nativeBytes(type, 8).asReadOnlyBuffer().order(ByteOrder.nativeOrder());
        assertThat(argmax(Logits.of(readOnly, type, 1, VOCAB))).isEqualTo(4);
    }

    @ParameterizedTest
    @EnumSource(names = {"F16", "BF16"})
    void shortBuffersAreReadFromTheirPosition(Logits.Type type) {
        ByteBuffer bytes = nativeBytes(type, 6);
        var whole = bytes.duplicate().order(ByteOrder.nativeOrder()).clear().asShortBuffer();
        whole.position(3).limit(3 + VOCAB);
        assertThat(argmax(Logits.of(whole, type, 1, VOCAB))).isEqualTo(4);
        assertThat(argmax(Logits.of(whole.slice(), type, 1, VOCAB))).isEqualTo(4);
        assertThat(argmax(Logits.of(whole.asReadOnlyBuffer(), type, 1, VOCAB))).isEqualTo(4);
        assertThatThrownBy(() -> Logits.of(whole, Logits.Type.F32, 1, VOCAB)).hasMessageContaining("ShortBuffer");
    }

    @Test
    void floatBuffersAreReadFromTheirPosition() {
        FloatBuffer sixteen = ByteBuffer.allocateDirect(64)
                .order(ByteOrder.nativeOrder())
                .asFloatBuffer()
                .put(0, 100)
                .put(8, VALUES);
        assertThat(argmax(Logits.of(sixteen.position(8), 1, VOCAB))).isEqualTo(4);
        assertThat(argmax(Logits.of(sixteen.slice(), 1, VOCAB))).isEqualTo(4);
        assertThat(argmax(Logits.of(sixteen.asReadOnlyBuffer(), 1, VOCAB))).isEqualTo(4);
        assertThat(argmax(Logits.of(sixteen.position(0).limit(8), 1, VOCAB))).isZero();
    }

    @ParameterizedTest
    @EnumSource
    void oddPositionsAreRefused(Logits.Type type) {
        ByteBuffer odd = nativeBytes(type, 1);
        assertThatThrownBy(() -> Logits.of(odd, type, 1, VOCAB))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("buffer begins at an address that is no multiple of " + type.size() + ", the bytes of "
                        + type + "; its position is 1");
    }

    @Test
    void viewsOfOddPositionsAreRefused() {
        ByteBuffer odd = nativeBytes(Logits.Type.F32, 1).slice().order(ByteOrder.nativeOrder());
        assertThatThrownBy(() -> Logits.of(odd.asFloatBuffer(), 1, VOCAB)).hasMessageContaining("no multiple of 4");
        ByteBuffer oddShorts = nativeBytes(Logits.Type.F16, 1).slice().order(ByteOrder.nativeOrder());
        assertThatThrownBy(() -> Logits.of(oddShorts.asShortBuffer(), Logits.Type.F16, 1, VOCAB))
                .hasMessageContaining("no multiple of 2");
        assertThatThrownBy(() -> Logits.at(4098, Logits.Type.F32, 1, VOCAB, VOCAB))
                .hasMessage("address is 4098, it must be a multiple of 4, the bytes of F32");
    }

    @Test
    void otherBuffersAreRefused() {
        assertThatThrownBy(() -> Logits.of(FloatBuffer.wrap(VALUES), 1, VOCAB)).hasMessageContaining("not direct");
        assertThatThrownBy(() -> Logits.of(nativeBytes(Logits.Type.F16, 0), Logits.Type.F32, 1, VOCAB))
                .hasMessage("4 elements are given, 1 rows of 8 need 8");
        ByteBuffer fifteen = nativeBytes(Logits.Type.F16, 0).limit(15);
        assertThatThrownBy(() -> Logits.of(fifteen, Logits.Type.F16, 1, VOCAB))
                .hasMessage("buffer has 15 bytes, F16 needs a multiple of 2");
    }

    /** What a caller's scope frees is not ours. */
    @Test
    void aPointerScopeFreesNothing() {
        Logits copy;
        Verifier verifier;
        LogitsBuffer buffer;
        Step step;
        VerifierSpec spec = VerifierSpec.builder(VOCAB)
                .acceptance(Lantern.of(NeighbourTable.nearest(VALUES, 1, 2), 0.1))
                .sampling(Sampling.of().temperature(0))
                .build();
        try (PointerScope scope = new PointerScope()) {
            copy = Logits.copyOf(VALUES, 1, VOCAB);
            verifier = Verifier.open(Backend.cpu(), spec);
            step = verifier.step(2);
            buffer = LogitsBuffer.of(Logits.Type.F32, 2, VOCAB);
        }
        try (PointerScope scope = new PointerScope()) {
            // Whatever was freed is given to others, who write it.
            for (int i = 0; i < 1000; i++) {
                Pointer.memset(new org.bytedeco.javacpp.BytePointer(64L << i % 6), 0x55, 64L << i % 6);
            }
        }
        buffer.put(0, VALUES);
        buffer.put(1, VALUES);
        assertThat(verifier.sample(copy, Purpose.BONUS, 1, 0)).isEqualTo(4);
        step.begin(0, 1, 0);
        step.begin(1, 2, 0);
        step.target(0, copy);
        step.target(1, buffer.logits(1, 1));
        step.verify();
        assertThat(step.verdict(0).token(0)).isEqualTo(4);
        assertThat(step.verdict(1).token(0)).isEqualTo(4);
        verifier.close();
        buffer.close();
    }

    @Test
    void partsOfAViewAreWhereTheyWere() {
        float[] values = new float[2 * 3 * VOCAB];
        for (int b = 0; b < 2; b++) {
            for (int i = 0; i < 3; i++) {
                values[(b * 3 + i) * VOCAB + b * 3 + i] = 1;
            }
        }
        Logits copy = Logits.copyOf(values, 6, VOCAB);
        Logits both = Logits.at(copy.address(), Logits.Type.F32, 2, 3, VOCAB, 3 * VOCAB, VOCAB, copy);
        for (int b = 0; b < 2; b++) {
            for (int i = 0; i < 3; i++) {
                assertThat(argmax(both.sequence(b).row(i))).isEqualTo(b * 3 + i);
            }
        }
        assertThatThrownBy(() -> both.row(3)).hasMessage("i is 3, there are 3 rows");
        assertThatThrownBy(() -> both.sequence(2)).hasMessage("b is 2, there are 2 sequences");
        Logits guided = both.guidedBy(both);
        assertThat(guided.sequence(1).row(2).unconditional()).isNotNull();
        assertThat(guided).hasToString("Logits[2, 3, 8] of F32, guided");
        assertThatThrownBy(() -> both.guidedBy(copy))
                .hasMessage("unconditional is [6, 8], the conditional logits are [2, 3, 8]");
    }
}
