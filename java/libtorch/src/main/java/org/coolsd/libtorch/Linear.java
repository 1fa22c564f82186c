package org.coolsd.libtorch;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** A weight matrix prepared for products with few rows, in one precision. Shared by any number of threads. */
public interface Linear {
    /**
     * x W^T + bias.
     *
     * @param x f32 [rows, in], contiguous
     * @return a new tensor [rows, out], f32 or of a narrower type that copies and sums convert
     */
    Tensor apply(Tensor x);

    /**
     * Prepares a matrix.
     *
     * @param weight [out, in], any floating-point type; not kept unless it is what is needed already. What is made on the
     *     way is freed with the caller's pointer scope
     * @param bias f32 [out], or null
     * @param owner keeps what the matrix becomes
     */
    static Linear of(Tensor weight, Tensor bias, Precision precision, Placement placement, OwnedTensors owner) {
        return switch (precision) {
                // Transposed in memory: OpenBLAS takes such products of few rows without packing either operand.
            case F32 -> {
                Tensor transposed = owner.keep(
                        placement.place(weight.to(ScalarType.Float).t().contiguous()));
                if (bias == null) {
                    yield x -> torch.mm(x, transposed);
                }
                Tensor added = owner.keep(placement.place(bias));
                yield x -> torch.addmm(added, x, transposed);
            }
            case BF16 -> {
                Tensor narrow = owner.keep(placement.place(weight.to(ScalarType.BFloat16)));
                TensorOptional added = owner.keep(
                        bias == null
                                ? new TensorOptional()
                                : new TensorOptional(placement.place(bias.to(ScalarType.BFloat16))));
                yield x -> torch.linear(x.to(ScalarType.BFloat16), narrow, added);
            }
            case F16 -> {
                if (placement.onDevice()) {
                    throw new IllegalArgumentException("precision F16 is FBGEMM's, which is for the CPU; use BF16");
                }
                // FBGEMM's op adds a bias whether there is one or not.
                Tensor added = owner.keep(bias == null ? torch.zeros(weight.size(0)) : bias);
                Tensor f32 = weight.to(ScalarType.Float).contiguous();
                Tensor packed = owner.keep(torch.fbgemm_pack_gemm_matrix_fp16(f32));
                yield x -> torch.fbgemm_linear_fp16_weight_fp32_activation(x, packed, added);
            }
        };
    }
}
