package org.coolsd.engine.model;

import org.bytedeco.pytorch.Tensor;

/** Between Java arrays and LibTorch tensors; always a copy, so neither side can outlive the other. */
public final class Tensors {
    private Tensors() {}

    /** An f32 tensor of the given shape with a copy of {@code values}. */
    public static Tensor of(float[] values, long... shape) {
        return Tensor.create(values, shape);
    }

    /** An i64 tensor of the given shape with a copy of {@code values}. */
    public static Tensor of(long[] values, long... shape) {
        return Tensor.create(values, shape);
    }
}
