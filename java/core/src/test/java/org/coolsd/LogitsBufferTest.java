package org.coolsd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.management.ManagementFactory;
import org.bytedeco.javacpp.ShortPointer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class LogitsBufferTest {
    private static final int VOCAB = 1000;

    private static short bits(Logits view, int v) {
        return new ShortPointer(new NativeMemory.Address(view.address())).get(v);
    }

    /** The value of f16 bits, by its definition. */
    private static double halfValue(int bits) {
        int exponent = bits >> 10 & 31;
        int fraction = bits & 1023;
        double magnitude = exponent == 0
                ? fraction * 0x1p-24
                : exponent < 31
                        ? (1024 + fraction) * Math.scalb(1.0, exponent - 25)
                        : fraction == 0 ? 1 / 0.0 : 0 / 0.0;
        return (bits & 0x8000) == 0 ? magnitude : -magnitude;
    }

    @Test
    void everyHalfComesBackAndWhatLiesBetweenGoesToTheNearest() {
        for (int bits = 0; bits < 1 << 16; bits++) {
            double value = halfValue(bits);
            float exact = (float) value;
            if (Double.isNaN(value)) {
                assertThat(halfValue(LogitsBuffer.half(exact) & 0xffff)).isNaN();
                continue;
            }
            assertThat(LogitsBuffer.half(exact)).as("%g", value).isEqualTo((short) bits);
            double next = halfValue(bits + 1 & 0xffff);
            if (bits == 0x7fff || bits == 0xffff || Double.isInfinite(value) || Double.isNaN(next)) {
                continue;
            }
            // The largest finite number is followed by what would be 2^16.
            double upper = Double.isInfinite(next) ? Math.copySign(65536, value) : next;
            float middle = (float) ((value + upper) / 2);
            short even = (short) ((bits & 1) == 0 ? bits : bits + 1);
            assertThat(LogitsBuffer.half(middle)).as("%g", middle).isEqualTo(even);
            assertThat(LogitsBuffer.half(toward(middle, exact))).isEqualTo((short) bits);
            assertThat(LogitsBuffer.half(toward(middle, (float) upper))).isEqualTo((short) (bits + 1));
        }
    }

    private static float toward(float from, float to) {
        return Math.nextAfter(from, to);
    }

    @Test
    void everyUpperHalfComesBackAndWhatLiesBetweenGoesToTheNearest() {
        for (int bits = 0; bits < 1 << 16; bits++) {
            float exact = Float.intBitsToFloat(bits << 16);
            if (Float.isNaN(exact)) {
                assertThat(Float.intBitsToFloat(LogitsBuffer.upperHalf(exact) << 16))
                        .isNaN();
                continue;
            }
            assertThat(LogitsBuffer.upperHalf(exact)).isEqualTo((short) bits);
            if (Float.isInfinite(exact)) {
                continue;
            }
            short even = (short) ((bits & 1) == 0 ? bits : bits + 1);
            assertThat(LogitsBuffer.upperHalf(Float.intBitsToFloat(bits << 16 | 0x8000)))
                    .isEqualTo(even);
            assertThat(LogitsBuffer.upperHalf(Float.intBitsToFloat(bits << 16 | 0x7fff)))
                    .isEqualTo((short) bits);
            assertThat(LogitsBuffer.upperHalf(Float.intBitsToFloat(bits << 16 | 0x8001)))
                    .isEqualTo((short) (bits + 1));
        }
    }

    @ParameterizedTest
    @EnumSource
    void rowsAreWhereTheyWerePutAndNothingIsAllocated(Logits.Type type) {
        float[] values = new float[3 * VOCAB];
        for (int i = 0; i < 3; i++) {
            values[i * VOCAB + 7 * i + 5] = 50;
        }
        VerifierSpec spec = VerifierSpec.of(VOCAB, Schedule.lossless().draftLength(1), Sampling.of());
        try (Verifier verifier = Verifier.open(Backend.cpu(), spec);
                LogitsBuffer buffer = LogitsBuffer.of(type, 3, VOCAB)) {
            int[] draft = {19};
            long[] allocated = new long[2];
            var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
            long self = Thread.currentThread().getId();
            int wrong = 0;
            // The first calls make the views, and are interpreted.
            for (int n = 0; n < 40_000; n++) {
                if (n == 20_000) {
                    allocated[0] = threads.getThreadAllocatedBytes(self);
                }
                for (int i = 0; i < 3; i++) {
                    buffer.put(i, values, i * VOCAB);
                }
                wrong += verifier.sample(buffer.logits(1, 1), Purpose.DRAFT, n, 0) == 12 ? 0 : 1;
                Verdict verdict = verifier.verify(buffer.logits(1, 2), buffer.logits(2, 1), draft, n, 0);
                wrong += verdict.length() == 1 && verdict.token(0) == 12 ? 0 : 1;
            }
            allocated[1] = threads.getThreadAllocatedBytes(self);
            assertThat(wrong).isZero();
            // Asking costs something itself; one object in every call would be 20 000 times 16 bytes.
            assertThat(allocated[1] - allocated[0]).isLessThan(20_000);
        }
    }

    @Test
    void guidedRowsHaveBothHalves() {
        float[] conditional = new float[2 * VOCAB];
        float[] unconditional = new float[2 * VOCAB];
        conditional[VOCAB + 3] = 2;
        unconditional[VOCAB + 3] = 3;
        conditional[VOCAB + 4] = 1.5f;
        VerifierSpec spec = VerifierSpec.of(
                VOCAB,
                Schedule.lossless().draftLength(0),
                Sampling.of().temperature(0).guidance(4));
        for (Logits.Type type : Logits.Type.values()) {
            try (Verifier verifier = Verifier.open(Backend.cpu(), spec);
                    LogitsBuffer buffer = LogitsBuffer.guided(type, 2, VOCAB)) {
                buffer.put(1, conditional, VOCAB);
                buffer.putUnconditional(1, unconditional, VOCAB);
                // 3 + 4 (2 - 3) = -1 against 0 + 4 (1.5 - 0) = 6.
                assertThat(verifier.sample(buffer.logits(1, 1), Purpose.BONUS, 1, 0))
                        .isEqualTo(4);
            }
        }
    }

    @Test
    void bitsAreTakenAsTheyAre() {
        short[] bits = new short[VOCAB + 1];
        bits[8] = 0x4900;
        try (LogitsBuffer buffer = LogitsBuffer.guided(Logits.Type.F16, 1, VOCAB);
                LogitsBuffer wide = LogitsBuffer.of(Logits.Type.F32, 1, VOCAB)) {
            buffer.put(0, bits, 1);
            buffer.putUnconditional(0, bits, 0);
            assertThat(bits(buffer.logits(1), 7)).isEqualTo((short) 0x4900);
            assertThat(bits(buffer.logits(1).unconditional(), 8)).isEqualTo((short) 0x4900);
            assertThatThrownBy(() -> wide.put(0, bits, 0)).hasMessageContaining("F32");
            assertThatThrownBy(() -> wide.putUnconditional(0, new float[VOCAB], 0))
                    .hasMessageContaining("made with guided".substring(5));
            assertThatThrownBy(() -> buffer.put(1, bits, 0)).hasMessage("row is 1, there are 1 rows");
            assertThatThrownBy(() -> buffer.put(0, bits, 2)).isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> buffer.logits(1, 1)).hasMessage("rows 1 to 2 are not in 0 to 1");
        }
    }

    @Test
    void viewsOfAClosedBufferAreRefused() {
        VerifierSpec spec = VerifierSpec.of(VOCAB, Schedule.lossless().draftLength(0), Sampling.of());
        try (Verifier verifier = Verifier.open(Backend.cpu(), spec)) {
            LogitsBuffer buffer = LogitsBuffer.of(Logits.Type.F32, 1, VOCAB);
            Logits view = buffer.logits(1);
            buffer.close();
            buffer.close();
            assertThatThrownBy(() -> verifier.sample(view, Purpose.BONUS, 1, 0))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("the logits buffer is closed");
            // The refused call has ended: the verifier is not in use.
            assertThat(verifier.sample(Logits.copyOf(new float[VOCAB], 1, VOCAB), Purpose.BONUS, 1, 0))
                    .isBetween(0, VOCAB - 1);
        }
    }

    @ParameterizedTest
    @EnumSource
    void aRowIsCopiedFromAnywhere(Logits.Type type) {
        try (LogitsBuffer from = LogitsBuffer.guided(type, 2, VOCAB);
                LogitsBuffer to = LogitsBuffer.guided(type, 3, VOCAB);
                LogitsBuffer unguided = LogitsBuffer.of(type, 1, VOCAB)) {
            float[] values = new float[2 * VOCAB];
            for (int v = 0; v < values.length; v++) {
                values[v] = v + 1;
            }
            from.put(1, values, 0);
            from.putUnconditional(1, values, VOCAB);
            Logits row = from.logits(1, 1);
            to.put(2, row);
            from.put(1, new float[VOCAB]);
            assertThat(to.isGuided()).isTrue();
            assertThat(unguided.isGuided()).isFalse();
            try (LogitsBuffer expected = LogitsBuffer.of(type, 2, VOCAB)) {
                expected.put(0, values, 0);
                expected.put(1, values, VOCAB);
                // Row 1 of a view of both rows, whose conditional half has been cleared.
                to.put(1, from.logits(0, 2), 1);
                assertThat(bits(to.logits(1, 1), 0)).isZero();
                for (int v = 0; v < VOCAB; v++) {
                    int at = type == Logits.Type.F32 ? 2 * v + 1 : v;
                    assertThat(bits(to.logits(2, 1), at)).isEqualTo(bits(expected.logits(0, 1), at));
                    assertThat(bits(to.logits(2, 1).unconditional(), at)).isEqualTo(bits(expected.logits(1, 1), at));
                    assertThat(bits(to.logits(1, 1).unconditional(), at)).isEqualTo(bits(expected.logits(1, 1), at));
                }
            }
            assertThatThrownBy(() -> to.put(0, unguided.logits(1)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("the buffer is guided");
            assertThatThrownBy(() -> to.put(0, from.logits(2)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("it must be Logits[1, " + VOCAB + "]");
            assertThatThrownBy(() -> to.put(3, row)).isInstanceOf(IndexOutOfBoundsException.class);
            from.close();
            assertThatThrownBy(() -> to.put(0, row)).hasMessage("the logits buffer is closed");
            // What was refused holds nothing open.
            to.put(0, to.logits(2, 1));
        }
    }
}
