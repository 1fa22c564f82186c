package org.coolsd.libtorch;

import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * The tensors of one decoder layer as a checkpoint has them, matrices as [out, in].
 *
 * @param <M> what a matrix is: a {@link Tensor} in memory, or a {@link Matrix} that is read in pieces
 * @param attentionNorm [dim], or null where the layer has no first norm
 * @param qkv query, key and value one above the other: one tensor [(heads + 2 keyHeads) headDim, dim], or the three that a
 *     checkpoint has apart
 * @param headNorm what normalises each head's queries and keys, or null
 * @param out [dim, heads headDim]
 * @param ffnNorm [dim]
 * @param gate [feedForward, dim]
 * @param up [feedForward, dim]
 * @param down [dim, feedForward]
 */
@SuppressWarnings("exports") // The annotation is for compilers: who uses this module needs not have it.
public record LayerWeights<M>(
        @Nullable Tensor attentionNorm,
        List<M> qkv,
        @Nullable HeadNorm headNorm,
        M out,
        Tensor ffnNorm,
        M gate,
        M up,
        M down) {
    /** A layer without norms of heads. */
    public LayerWeights(@Nullable Tensor attentionNorm, List<M> qkv, M out, Tensor ffnNorm, M gate, M up, M down) {
        this(attentionNorm, qkv, null, out, ffnNorm, gate, up, down);
    }

    /**
     * A layer norm over the channels of each head, before the rotary embedding, with a weight and a bias of its own for every
     * head: epsilon 1e-5.
     *
     * @param weight [heads + keyHeads, headDim]: those of the queries, then those of the keys
     * @param bias of the same shape
     */
    public record HeadNorm(Tensor weight, Tensor bias) {}
}
