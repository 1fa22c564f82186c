package org.coolsd.libtorch;

import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Tensors from Java arrays, always a copy, so neither side can outlive the other; and fresh weights. */
public final class Tensors {
    private Tensors() {}

    /** Fresh weights of the given shape: f32, normal with deviation 0.02, drawn with LibTorch's generator. */
    public static Tensor normal(long... shape) {
        return torch.randn(shape, new TensorOptions(ScalarType.Float)).mul_(new Scalar(0.02));
    }

    /** An f32 tensor of the given shape with a copy of {@code values}. */
    public static Tensor of(float[] values, long... shape) {
        return Tensor.create(values, shape);
    }

    /** An i64 tensor of the given shape with a copy of {@code values}. */
    public static Tensor of(long[] values, long... shape) {
        return Tensor.create(values, shape);
    }
}
