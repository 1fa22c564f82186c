package org.coolsd.engine.model;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * The precision of a model's matrix products. Attention with its key-value cache, the residual stream, the norms and the
 * logits are f32 in either.
 */
public enum Precision {
    /** f32 throughout: what the official outputs were made with. */
    F32(ScalarType.Float),
    /** bf16 products: several rows cost about as much as one, see docs/performance.md. */
    BF16(ScalarType.BFloat16);

    private final ScalarType type;

    Precision(ScalarType type) {
        this.type = type;
    }

    /** LibTorch's name for it. */
    public ScalarType type() {
        return type;
    }

    /** {@code tensor} in this precision: itself when it already is, else a copy that autograd follows. */
    public Tensor cast(Tensor tensor) {
        return tensor.scalar_type().intern() == type ? tensor : tensor.to(type);
    }
}
