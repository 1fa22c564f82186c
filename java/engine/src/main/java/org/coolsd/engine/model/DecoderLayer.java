package org.coolsd.engine.model;

import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * One pre-norm transformer layer of the Llama family: RMS norm, rotary attention, RMS norm, SwiGLU. LlamaGen's layers
 * and the EAGLE drafter's one layer (which has no first norm) are this.
 *
 * <p>Attention is f32 in either precision: without AMX, LibTorch's bf16 attention is several times slower on the CPU.
 */
final class DecoderLayer {
    /**
     * The layer's tensors, any precision.
     *
     * @param attentionNorm null where there is none
     * @param qkv query, key and value one above the other: one tensor, or the three a checkpoint has apart
     */
    record Parameters(
            Tensor attentionNorm, Tensor[] qkv, Tensor out, Tensor ffnNorm, Tensor gate, Tensor up, Tensor down) {}

    private final Parameters p;
    private final int heads;
    private final double eps;
    private final Rotary rotary;
    private final Precision precision;
    private final boolean training;

    DecoderLayer(Parameters p, int heads, double eps, Rotary rotary, Precision precision, boolean training) {
        this.training = training;
        this.precision = precision;
        this.p = training
                ? p
                : new Parameters(
                        p.attentionNorm,
                        new Tensor[] {precision.cast(stack(p.qkv))},
                        precision.cast(p.out),
                        p.ffnNorm,
                        precision.cast(p.gate),
                        precision.cast(p.up),
                        precision.cast(p.down));
        this.heads = heads;
        this.eps = eps;
        this.rotary = rotary;
    }

    /**
     * @param x residual stream [batch, rows, dim], f32
     * @param position position of the first row
     * @param cache null while training: then the rows are a whole sequence
     * @param mask additive [rows, position + rows], or null where every row sees all of its past
     */
    Tensor forward(Tensor x, long position, KvCache cache, int layer, Tensor mask) {
        long dim = x.size(2);
        Tensor normed = p.attentionNorm == null ? x : norm(x, p.attentionNorm, eps);
        Tensor qkv = product(normed, stack(p.qkv)).to(torch.ScalarType.Float).unflatten(-1, 3L * heads, dim / heads);
        Tensor turned = rotary.turn(qkv.narrow(2, 0, 2L * heads), position);
        Tensor query = turned.narrow(2, 0, heads).transpose(1, 2);
        Tensor key = turned.narrow(2, heads, heads).transpose(1, 2);
        Tensor value = qkv.narrow(2, 2L * heads, heads).transpose(1, 2);
        boolean causal = false;
        if (cache == null) {
            causal = true;
        } else {
            Tensor[] all = cache.append(layer, key, value);
            key = all[0];
            value = all[1];
        }
        TensorOptional attentionMask = mask == null ? new TensorOptional() : new TensorOptional(mask);
        Tensor attended = torch.scaled_dot_product_attention(
                query, key, value, attentionMask, 0, causal, new DoubleOptional(), false);
        Tensor h = x.add(product(attended.transpose(1, 2).flatten(2, 3), p.out));
        Tensor n = precision.cast(norm(h, p.ffnNorm, eps));
        Tensor gated = torch.silu(product(n, p.gate)).mul(product(n, p.up));
        return h.add(product(gated, p.down));
    }

    private Tensor product(Tensor x, Tensor weight) {
        return torch.linear(precision.cast(x), training ? precision.cast(weight) : weight);
    }

    /** x / sqrt(mean(x^2) + eps) * weight over the last dimension, in f32. */
    static Tensor norm(Tensor x, Tensor weight, double eps) {
        return torch.rms_norm(x, new long[] {weight.size(0)}, new TensorOptional(weight), new DoubleOptional(eps));
    }

    /** Additive causal mask [n, n]: 0 on and below the diagonal, -inf above. */
    static Tensor causalMask(long n) {
        Tensor mask = torch.full(new long[] {n, n}, new Scalar(Double.NEGATIVE_INFINITY));
        return mask.triu(1);
    }

    private static Tensor stack(Tensor[] parts) {
        return parts.length == 1 ? parts[0] : torch.cat(new TensorVector(parts), 0);
    }
}
