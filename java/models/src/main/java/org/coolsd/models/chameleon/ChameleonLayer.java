package org.coolsd.models.chameleon;

import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.coolsd.libtorch.Weights;

/**
 * One decoder layer of a Chameleon checkpoint.
 *
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
record ChameleonLayer(
        Tensor attentionNorm,
        Tensor query,
        Tensor key,
        Tensor value,
        Tensor queryNorm,
        Tensor queryShift,
        Tensor keyNorm,
        Tensor keyShift,
        Tensor out,
        Tensor ffnNorm,
        Tensor gate,
        Tensor up,
        Tensor down) {
    /** Epsilon of the norms of queries and keys, which no configuration has. */
    static final double HEAD_NORM_EPS = 1e-5;

    /** @throws IllegalArgumentException in one line, if a tensor of layer {@code i} is missing or has another shape */
    static ChameleonLayer of(ChameleonConfig config, Weights weights, int i) {
        String at = "model.layers." + i + ".";
        String attention = at + "self_attn.";
        long d = config.dim();
        long f = config.feedForward();
        long keys = (long) config.keyHeads() * config.headDim();
        return new ChameleonLayer(
                weights.get(at + "input_layernorm.weight", d),
                weights.get(attention + "q_proj.weight", d, d),
                weights.get(attention + "k_proj.weight", keys, d),
                weights.get(attention + "v_proj.weight", keys, d),
                perHead(config, weights, attention + "q_norm.weight", config.heads()),
                perHead(config, weights, attention + "q_norm.bias", config.heads()),
                perHead(config, weights, attention + "k_norm.weight", config.keyHeads()),
                perHead(config, weights, attention + "k_norm.bias", config.keyHeads()),
                weights.get(attention + "o_proj.weight", d, d),
                weights.get(at + "post_attention_layernorm.weight", d),
                weights.get(at + "mlp.gate_proj.weight", f, d),
                weights.get(at + "mlp.up_proj.weight", f, d),
                weights.get(at + "mlp.down_proj.weight", d, f));
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
