package org.coolsd.models.chameleon;

import java.util.List;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.coolsd.libtorch.LayerWeights;
import org.coolsd.libtorch.Matrix;
import org.coolsd.libtorch.Rotary;
import org.coolsd.libtorch.Weights;

/**
 * One decoder layer of a Chameleon checkpoint, or of a drafter for one.
 *
 * @param <M> what a matrix is: a {@link Tensor} in memory, or one that is read in pieces
 * @param attentionNorm [dim]
 * @param query [dim, dim]
 * @param key [keyHeads * headDim, dim]
 * @param value [keyHeads * headDim, dim]
 * @param queryNorm [heads, headDim]
 * @param queryShift [heads, headDim]
 * @param keyNorm [keyHeads, headDim]
 * @param keyShift [keyHeads, headDim]
 * @param out [dim, dim]
 * @param ffnNorm [dim]
 * @param gate [feedForward, dim]
 * @param up [feedForward, dim]
 * @param down [dim, feedForward]
 */
record ChameleonLayer<M>(
        Tensor attentionNorm,
        M query,
        M key,
        M value,
        Tensor queryNorm,
        Tensor queryShift,
        Tensor keyNorm,
        Tensor keyShift,
        M out,
        Tensor ffnNorm,
        M gate,
        M up,
        M down) {
    /** Epsilon of the norms of queries and keys, which no configuration has. */
    static final double HEAD_NORM_EPS = 1e-5;

    /**
     * Looks a layer up.
     *
     * @param at what the names of its tensors begin with, as in "model.layers.0."
     * @throws IllegalArgumentException in one line, if a tensor is missing or has another shape
     */
    static <M> ChameleonLayer<M> of(ChameleonConfig config, Weights weights, Weights.Lookup<M> matrices, String at) {
        String attention = at + "self_attn.";
        long d = config.dim();
        long f = config.feedForward();
        long keys = (long) config.keyHeads() * config.headDim();
        return new ChameleonLayer<>(
                weights.get(at + "input_layernorm.weight", d),
                matrices.get(attention + "q_proj.weight", d, d),
                matrices.get(attention + "k_proj.weight", keys, d),
                matrices.get(attention + "v_proj.weight", keys, d),
                perHead(config, weights, attention + "q_norm.weight", config.heads()),
                perHead(config, weights, attention + "q_norm.bias", config.heads()),
                perHead(config, weights, attention + "k_norm.weight", config.keyHeads()),
                perHead(config, weights, attention + "k_norm.bias", config.keyHeads()),
                matrices.get(attention + "o_proj.weight", d, d),
                weights.get(at + "post_attention_layernorm.weight", d),
                matrices.get(at + "mlp.gate_proj.weight", f, d),
                matrices.get(at + "mlp.up_proj.weight", f, d),
                matrices.get(at + "mlp.down_proj.weight", d, f));
    }

    /** As the decoding loop's passes want it: pairs of channels are neighbours. */
    static LayerWeights<Matrix> prepared(ChameleonConfig config, Weights weights, String at) {
        ChameleonLayer<Matrix> layer = of(config, weights, weights::matrix, at);
        int d = config.headDim();
        return new LayerWeights<>(
                layer.attentionNorm,
                List.of(Rotary.neighbours(layer.query, d), Rotary.neighbours(layer.key, d), layer.value),
                new LayerWeights.HeadNorm(
                        prepared(layer.queryNorm, layer.keyNorm, d), prepared(layer.queryShift, layer.keyShift, d)),
                layer.out,
                layer.ffnNorm,
                layer.gate,
                layer.up,
                layer.down);
    }

    /** The queries' rows above the keys', channels in the order of the matrices. */
    private static Tensor prepared(Tensor query, Tensor key, int headDim) {
        Tensor channels = torch.cat(new TensorVector(query, key), 0).flatten();
        return Rotary.neighbours(channels, headDim).view(-1, headDim);
    }

    /**
     * The parameter [heads, headDim] of a norm. A checkpoint has a row for each head, or, as Meta's and Lumina-mGPT's have, one
     * for each shard that the model was trained in, whose heads share it.
     */
    private static Tensor perHead(ChameleonConfig config, Weights weights, String name, int heads) {
        Tensor rows = weights.get(name, -1, config.headDim());
        long n = rows.size(0);
        if (n == heads) {
            return rows;
        }
        if (n != config.shards() || heads % n != 0) {
            throw new IllegalArgumentException("tensor '" + name + "' has " + n + " rows; it must have one for each of "
                    + heads + " heads, or for each of the shards of which model_parallel_size says there are "
                    + config.shards());
        }
        return torch.repeat_interleave(rows, heads / n, new LongOptional(0), new LongOptional());
    }
}
