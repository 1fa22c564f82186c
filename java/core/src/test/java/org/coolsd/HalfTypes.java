package org.coolsd;

import java.nio.ByteBuffer;

/** Writing f32, f16 and bf16 values for tests. */
final class HalfTypes {
    private HalfTypes() {}

    /** A value near x that every type with so few bits has: 8 significant bits for bf16, multiples of 1/64 for f16. */
    static float representable(double x, Logits.Type type) {
        return switch (type) {
            case F32 -> (float) x;
            case BF16 -> Float.intBitsToFloat(Float.floatToRawIntBits((float) x) & 0xffff0000);
            case F16 -> (float) (Math.rint(Math.max(-31, Math.min(31, x)) * 64) / 64);
        };
    }

    static void put(ByteBuffer memory, int at, float x, Logits.Type type) {
        int bits = Float.floatToRawIntBits(x);
        switch (type) {
            case F32 -> memory.putFloat(at, x);
            case BF16 -> memory.putShort(at, (short) (bits >>> 16));
            case F16 -> memory.putShort(at, half(x));
        }
    }

    /** Exact for 0, infinities, NaN and normal values with at most 11 significant bits. */
    private static short half(float x) {
        int bits = Float.floatToRawIntBits(x);
        int sign = bits >>> 16 & 0x8000;
        if (x == 0) {
            return (short) sign;
        }
        int exponent = (bits >>> 23 & 255) - 112;
        if (exponent >= 31) {
            return (short) (sign | 0x7c00 | (Float.isNaN(x) ? 0x200 : 0));
        }
        return (short) (sign | exponent << 10 | bits >>> 13 & 0x3ff);
    }
}
