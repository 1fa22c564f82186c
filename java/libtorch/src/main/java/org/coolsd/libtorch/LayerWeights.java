package org.coolsd.libtorch;

import java.util.List;
import org.bytedeco.pytorch.Tensor;

/**
 * The tensors of one decoder layer as a checkpoint has them, [out, in] each.
 *
 * @param <M> what a matrix is: a {@link Tensor} in memory, or a {@link Matrix} that is read in pieces
 * @param attentionNorm [dim], or null where the layer has no first norm
 * @param qkv query, key and value one above the other: one matrix [3 dim, dim], or the three [dim, dim] a checkpoint has
 *     apart
 * @param out [dim, dim]
 * @param ffnNorm [dim]
 * @param gate [feedForward, dim]
 * @param up [feedForward, dim]
 * @param down [dim, feedForward]
 */
public record LayerWeights<M>(Tensor attentionNorm, List<M> qkv, M out, Tensor ffnNorm, M gate, M up, M down) {}
