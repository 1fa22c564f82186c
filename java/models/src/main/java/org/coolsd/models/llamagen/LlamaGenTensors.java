package org.coolsd.models.llamagen;

import java.util.List;
import java.util.function.IntToLongFunction;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.coolsd.libtorch.LayerWeights;
import org.coolsd.libtorch.Matrix;
import org.coolsd.libtorch.Weights;
import org.coolsd.models.decoder.DecoderWeights;

/**
 * The tensors of a LlamaGen GPT, in either layout: that of the official code, or that of Hugging Face's Llama, in which LANTERN
 * publishes its conversions. These have the official matrices with queries, keys and values apart, and turn neighbouring
 * channels like the official code, so that no channel changes its place.
 */
final class LlamaGenTensors implements DecoderWeights {
    /** A tensor that the official layout has, and only it. */
    static final String OFFICIAL = "layers.0.attention.wqkv.weight";

    /** A tensor that LANTERN's layout has, and only it. */
    static final String CONVERTED = "model.layers.0.self_attn.q_proj.weight";

    private final LlamaGenConfig config;
    private final Weights weights;
    private final boolean converted;
    private final long dim;

    LlamaGenTensors(LlamaGenConfig config, Weights weights) {
        this.config = config;
        this.weights = weights;
        this.converted = weights.has(CONVERTED);
        this.dim = config.dim();
    }

    /** What a tensor's name begins with in this layout, where it is the same otherwise. */
    private String outer() {
        return converted ? "model." : "";
    }

    /** The token embedding [vocabulary, dim]. */
    Tensor tokens() {
        String name = converted ? "model.embed_tokens.weight" : "tok_embeddings.weight";
        return weights.get(name, config.vocabSize(), dim);
    }

    /** The class embedding [classes + 1, dim]. */
    Tensor classes() {
        return weights.get(outer() + "cls_embedding.embedding_table.weight", config.numClasses() + 1, dim);
    }

    /** First matrix [dim, captionDim] of what is made of a caption's embeddings. */
    Tensor captionIn() {
        return weights.get(outer() + "cls_embedding.cap_proj.fc1.weight", dim, config.captionDim());
    }

    /** Second matrix [dim, dim] of it. */
    Tensor captionOut() {
        return weights.get(outer() + "cls_embedding.cap_proj.fc2.weight", dim, dim);
    }

    /** The embeddings [conditions, captionDim] of no caption. */
    Tensor noCaption() {
        return weights.get(outer() + "cls_embedding.uncond_embedding", config.conditions(), config.captionDim());
    }

    /** Classes, then the null class, then tokens; tokens only where images are made from captions. */
    @Override
    public Tensor embedding() {
        return config.captions() ? tokens() : torch.cat(new TensorVector(classes(), tokens()), 0);
    }

    @Override
    public IntToLongFunction ids() {
        long first = config.captions() ? 0 : config.numClasses() + 1L;
        return token -> first + token;
    }

    @Override
    public LayerWeights<Matrix> layer(int i) {
        return layer(i, weights::matrix);
    }

    /** Layer {@code i}, its matrices as {@code matrices} looks them up. */
    <M> LayerWeights<M> layer(int i, Weights.Lookup<M> matrices) {
        long f = config.feedForward();
        if (converted) {
            String at = "model.layers." + i + ".";
            return new LayerWeights<>(
                    weights.get(at + "input_layernorm.weight", dim),
                    List.of(
                            matrices.get(at + "self_attn.q_proj.weight", dim, dim),
                            matrices.get(at + "self_attn.k_proj.weight", dim, dim),
                            matrices.get(at + "self_attn.v_proj.weight", dim, dim)),
                    matrices.get(at + "self_attn.o_proj.weight", dim, dim),
                    weights.get(at + "post_attention_layernorm.weight", dim),
                    matrices.get(at + "mlp.gate_proj.weight", f, dim),
                    matrices.get(at + "mlp.up_proj.weight", f, dim),
                    matrices.get(at + "mlp.down_proj.weight", dim, f));
        }
        String at = "layers." + i + ".";
        return new LayerWeights<>(
                weights.get(at + "attention_norm.weight", dim),
                List.of(matrices.get(at + "attention.wqkv.weight", 3 * dim, dim)),
                matrices.get(at + "attention.wo.weight", dim, dim),
                weights.get(at + "ffn_norm.weight", dim),
                matrices.get(at + "feed_forward.w1.weight", f, dim),
                matrices.get(at + "feed_forward.w3.weight", f, dim),
                matrices.get(at + "feed_forward.w2.weight", dim, f));
    }

    @Override
    public Tensor norm() {
        return weights.get(outer() + "norm.weight", dim);
    }

    @Override
    public Matrix head() {
        return head(weights::matrix);
    }

    /** The head, as {@code matrices} looks it up. */
    <M> M head(Weights.Lookup<M> matrices) {
        return matrices.get(converted ? "lm_head.weight" : "output.weight", config.vocabSize(), dim);
    }
}
