package org.coolsd.engine.model;

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
        Tensor attentionNorm, Tensor[] qkv, Tensor out, Tensor ffnNorm, Tensor gate, Tensor up, Tensor down) {

    /** Layer {@code i} of a LlamaGen checkpoint. */
    public static LayerWeights of(LlamaGenConfig config, Weights weights, int i) {
        String at = "layers." + i + ".";
        long d = config.dim();
        long f = config.feedForward();
        return new LayerWeights(
                weights.get(at + "attention_norm.weight", d),
                new Tensor[] {weights.get(at + "attention.wqkv.weight", 3 * d, d)},
                weights.get(at + "attention.wo.weight", d, d),
                weights.get(at + "ffn_norm.weight", d),
                weights.get(at + "feed_forward.w1.weight", f, d),
                weights.get(at + "feed_forward.w3.weight", f, d),
                weights.get(at + "feed_forward.w2.weight", d, f));
    }

    /** The one layer of an EAGLE checkpoint. */
    public static LayerWeights of(EagleConfig config, Weights weights) {
        String at = "layers.0.";
        long d = config.dim();
        long f = config.feedForward();
        return new LayerWeights(
                null,
                new Tensor[] {
                    weights.get(at + "self_attn.q_proj.weight", d, d),
                    weights.get(at + "self_attn.k_proj.weight", d, d),
                    weights.get(at + "self_attn.v_proj.weight", d, d)
                },
                weights.get(at + "self_attn.o_proj.weight", d, d),
                weights.get(at + "post_attention_layernorm.weight", d),
                weights.get(at + "mlp.gate_proj.weight", f, d),
                weights.get(at + "mlp.up_proj.weight", f, d),
                weights.get(at + "mlp.down_proj.weight", d, f));
    }
}
