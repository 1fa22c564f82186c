package org.coolsd.checkpoint;

/** The element types that checkpoints hold, with their names in safetensors and in torch pickles. */
public enum ElementType {
    /** IEEE 754 double precision. */
    F64("F64", "DoubleStorage", 8),
    /** IEEE 754 single precision. */
    F32("F32", "FloatStorage", 4),
    /** IEEE 754 half precision. */
    F16("F16", "HalfStorage", 2),
    /** The upper half of an {@link #F32}. */
    BF16("BF16", "BFloat16Storage", 2),
    /** Signed, 64 bits. */
    I64("I64", "LongStorage", 8),
    /** Signed, 32 bits. */
    I32("I32", "IntStorage", 4),
    /** Signed, 16 bits. */
    I16("I16", "ShortStorage", 2),
    /** Signed, 8 bits. */
    I8("I8", "CharStorage", 1),
    /** Unsigned, 8 bits. */
    U8("U8", "ByteStorage", 1),
    /** 0 or 1 in a byte. */
    BOOL("BOOL", "BoolStorage", 1);

    final String safetensors;
    final String storage;
    private final int bytes;

    ElementType(String safetensors, String storage, int bytes) {
        this.safetensors = safetensors;
        this.storage = storage;
        this.bytes = bytes;
    }

    /** Bytes of an element. */
    public int bytes() {
        return bytes;
    }

    /** Number of elements of a shape, or -1 if a dimension is negative or the bytes exceed what an array can hold. */
    long elements(long[] shape) {
        long n = 1;
        for (long d : shape) {
            if (d < 0 || (d > 0 && n > Long.MAX_VALUE / 16 / d)) {
                return -1;
            }
            n *= d;
        }
        return n;
    }
}
