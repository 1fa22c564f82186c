package org.coolsd.libtorch;

import java.util.List;
import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * One pre-norm transformer layer of the Llama family over whole sequences: RMS norm, rotary attention, RMS norm, SwiGLU.
 * Autograd follows every
 * operation; decoding, which extends cached sequences, has {@link DecoderStack}.
 *
 * <p>Attention is f32 in either precision: without AMX, LibTorch's bf16 attention is several times slower on the CPU.
 */
public final class DecoderLayer {
    private final LayerWeights<Tensor> p;
    private final int heads;
    private final double eps;
    private final Rotary rotary;
    private final Precision precision;
    private final boolean training;

    /**
     * @param p its tensors; without {@code training} converted to {@code precision} once, else the leaves
     * @param rotary of the positions 0 and on
     */
    public DecoderLayer(
            LayerWeights<Tensor> p, int heads, double eps, Rotary rotary, Precision precision, boolean training) {
        this.training = training;
        this.precision = precision;
        this.p = training
                ? p
                : new LayerWeights<>(
                        p.attentionNorm(),
                        List.of(precision.cast(stack(p.qkv()))),
                        p.headNorm(),
                        precision.cast(p.out()),
                        p.ffnNorm(),
                        precision.cast(p.gate()),
                        precision.cast(p.up()),
                        precision.cast(p.down()));
        this.heads = heads;
        this.eps = eps;
        this.rotary = rotary;
    }

    /** The residual stream behind this layer, of f32 {@code x} [batch, rows, dim] from position 0 on. */
    public Tensor forward(Tensor x) {
        long dim = x.size(2);
        Tensor normed = p.attentionNorm() == null ? x : norm(x, p.attentionNorm(), eps);
        Tensor qkv = product(normed, stack(p.qkv())).to(torch.ScalarType.Float).unflatten(-1, -1, dim / heads);
        long keyHeads = (qkv.size(2) - heads) / 2;
        Tensor turned = rotary.turn(normalised(qkv.narrow(2, 0, heads + keyHeads), p.headNorm()));
        Tensor query = turned.narrow(2, 0, heads).transpose(1, 2);
        Tensor key = turned.narrow(2, heads, keyHeads).transpose(1, 2);
        Tensor value = qkv.narrow(2, heads + keyHeads, keyHeads).transpose(1, 2);
        Tensor attended = torch.scaled_dot_product_attention(
                query, key, value, new TensorOptional(), 0, true, new DoubleOptional(), keyHeads != heads);
        Tensor h = x.add(product(attended.transpose(1, 2).flatten(2, 3), p.out()));
        Tensor n = precision.cast(norm(h, p.ffnNorm(), eps));
        Tensor gated = torch.silu(product(n, p.gate())).mul(product(n, p.up()));
        return h.add(product(gated, p.down()));
    }

    /** Queries and keys [batch, rows, heads + keyHeads, headDim], normalised within each head where the layer does that. */
    private static Tensor normalised(Tensor heads, LayerWeights.@Nullable HeadNorm norm) {
        return norm == null
                ? heads
                : torch.layer_norm(heads, new long[] {heads.size(3)})
                        .mul(norm.weight())
                        .add(norm.bias());
    }

    private Tensor product(Tensor x, Tensor weight) {
        return torch.linear(precision.cast(x), training ? precision.cast(weight) : weight);
    }

    /** x / sqrt(mean(x^2) + eps) * weight over the last dimension, in f32. */
    public static Tensor norm(Tensor x, Tensor weight, double eps) {
        return torch.rms_norm(x, new long[] {weight.size(0)}, new TensorOptional(weight), new DoubleOptional(eps));
    }

    private static Tensor stack(List<Tensor> parts) {
        return parts.size() == 1 ? parts.get(0) : torch.cat(new TensorVector(parts.toArray(new Tensor[0])), 0);
    }
}
