package org.coolsd.libtorch;

import org.bytedeco.javacpp.PointerScope;
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

    /** Elements that are converted at once: few, as they leave holes between what is kept. */
    long PIECE = 1 << 18;

    /**
     * Elements of an f32 tensor so large, beyond 32 MiB, that glibc's malloc maps it apart and gives it back when it is freed;
     * smaller ones leave holes between what is kept.
     */
    long MAPPED = 9 << 20;

    /**
     * Prepares a matrix.
     *
     * @param weight [out, in], any floating-point type; not kept
     * @param bias f32 [out], or null
     * @param owner keeps what the matrix becomes
     */
    static Linear of(Tensor weight, Tensor bias, Precision precision, Placement placement, OwnedTensors owner) {
        return of(Matrix.of(weight), null, bias, precision, placement, owner);
    }

    /**
     * Prepares a matrix, a few rows at a time: beside what it becomes there is only a piece of it in memory; with {@link
     * Precision#F16} an f32 copy of this one matrix, which FBGEMM packs.
     *
     * @param weight [out, in]; not kept
     * @param scale f32 [in] that every row is multiplied with before it is converted, or null
     * @param bias f32 [out], or null
     * @param owner keeps what the matrix becomes
     */
    static Linear of(
            Matrix weight, Tensor scale, Tensor bias, Precision precision, Placement placement, OwnedTensors owner) {
        try (PointerScope scope = new PointerScope()) {
            return switch (precision) {
                    // Transposed in memory: OpenBLAS takes such products of few rows without packing either operand.
                case F32 -> {
                    Tensor whole = TensorFiles.empty(new long[] {weight.columns(), weight.rows()}, ScalarType.Float);
                    fill(whole.t(), weight, scale);
                    Tensor transposed = owner.keep(placement.place(whole));
                    if (bias == null) {
                        yield x -> torch.mm(x, transposed);
                    }
                    Tensor added = owner.keep(placement.place(bias));
                    yield x -> torch.addmm(added, x, transposed);
                }
                case BF16 -> {
                    Tensor whole = TensorFiles.empty(new long[] {weight.rows(), weight.columns()}, ScalarType.BFloat16);
                    fill(whole, weight, scale);
                    Tensor narrow = owner.keep(placement.place(whole));
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
                    long elements = weight.rows() * weight.columns();
                    Tensor whole = TensorFiles.empty(new long[] {Math.max(elements, MAPPED)}, ScalarType.Float)
                            .narrow(0, 0, elements)
                            .view(weight.rows(), weight.columns());
                    fill(whole, weight, scale);
                    // FBGEMM's op adds a bias whether there is one or not.
                    Tensor added = owner.keep(bias == null ? torch.zeros(weight.rows()) : bias);
                    Tensor packed = owner.keep(torch.fbgemm_pack_gemm_matrix_fp16(whole));
                    yield x -> torch.fbgemm_linear_fp16_weight_fp32_activation(x, packed, added);
                }
            };
        }
    }

    private static void fill(Tensor whole, Matrix weight, Tensor scale) {
        long step = Math.max(1, PIECE / Math.max(1, weight.columns()));
        for (long first = 0; first < weight.rows(); first += step) {
            long n = Math.min(step, weight.rows() - first);
            try (PointerScope piece = new PointerScope()) {
                Tensor rows = weight.read(first, n);
                whole.narrow(0, first, n)
                        .copy_(scale == null ? rows : rows.to(ScalarType.Float).mul(scale));
            }
        }
    }
}
