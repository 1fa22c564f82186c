package org.coolsd.engine.checkpoint;

import org.bytedeco.pytorch.global.torch.ScalarType;

/** The element types checkpoints hold, with their names in safetensors and in torch pickles. */
enum ElementType {
    F64("F64", "DoubleStorage", ScalarType.Double, 8),
    F32("F32", "FloatStorage", ScalarType.Float, 4),
    F16("F16", "HalfStorage", ScalarType.Half, 2),
    BF16("BF16", "BFloat16Storage", ScalarType.BFloat16, 2),
    I64("I64", "LongStorage", ScalarType.Long, 8),
    I32("I32", "IntStorage", ScalarType.Int, 4),
    I16("I16", "ShortStorage", ScalarType.Short, 2),
    I8("I8", "CharStorage", ScalarType.Char, 1),
    U8("U8", "ByteStorage", ScalarType.Byte, 1),
    BOOL("BOOL", "BoolStorage", ScalarType.Bool, 1);

    final String safetensors;
    final String storage;
    final ScalarType torch;
    final int bytes;

    ElementType(String safetensors, String storage, ScalarType torch, int bytes) {
        this.safetensors = safetensors;
        this.storage = storage;
        this.torch = torch;
        this.bytes = bytes;
    }

    static ElementType of(ScalarType torch) {
        for (ElementType type : values()) {
            if (type.torch == torch.intern()) {
                return type;
            }
        }
        throw new IllegalArgumentException("tensors of type " + torch + " cannot be stored");
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
