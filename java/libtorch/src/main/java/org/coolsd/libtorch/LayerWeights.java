package org.coolsd.libtorch;

import org.bytedeco.pytorch.Tensor;

/**
 * The tensors of one decoder layer as a checkpoint has them, [out, in] each.
 *
 * @param attentionNorm [dim], or null where the layer has no first norm
 * @param qkv query, key and value one above the other: one tensor [3 dim, dim], or the three [dim, dim] a checkpoint has
 *     apart
 * @param out [dim, dim]
 * @param ffnNorm [dim]
 * @param gate [feedForward, dim]
 * @param up [feedForward, dim]
 * @param down [dim, feedForward]
 */
public record LayerWeights(
        Tensor attentionNorm, Tensor[] qkv, Tensor out, Tensor ffnNorm, Tensor gate, Tensor up, Tensor down) {}
