package org.coolsd.libtorch;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * The precision of a model's matrix products. Attention with its key-value cache, the residual stream, the norms and the
 * logits are f32 in either.
 */
public enum Precision {
    /** f32 throughout: what the official outputs were made with. */
    F32(ScalarType.Float),
    /** bf16 products through oneDNN. */
    BF16(ScalarType.BFloat16),
    /**
     * Weights in f16, everything else in f32, through FBGEMM: fastest where it is supported, which is on x86 with AVX2. For
     * decoding only; a row's result does not depend on the rows beside it.
     */
    F16(ScalarType.Half);

    private final ScalarType type;

    Precision(ScalarType type) {
        this.type = type;
    }

    /** LibTorch's name for it. */
    public ScalarType type() {
        return type;
    }

    /** The fastest for decoding on this processor: F16, or BF16 where FBGEMM is not supported. */
    public static Precision fastest() {
        try (PointerScope scope = new PointerScope()) {
            torch.fbgemm_pack_gemm_matrix_fp16(torch.zeros(16, 16));
            return F16;
        } catch (RuntimeException e) {
            return BF16;
        }
    }

    /** {@code tensor} in this precision: itself when it already is, else a copy that autograd follows. */
    public Tensor cast(Tensor tensor) {
        return tensor.scalar_type().intern() == type ? tensor : tensor.to(type);
    }
}
