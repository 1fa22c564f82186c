package org.coolsd.models.chameleon;

import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.coolsd.libtorch.DecoderLayer;
import org.coolsd.libtorch.Tensors;
import org.coolsd.libtorch.Weights;

/**
 * A Chameleon decoder over whole sequences, f32: what its outputs are checked with. A Llama whose queries and keys are
 * normalised within each head, which keeps attention stable where text and images share a vocabulary.
 *
 * <p>Features are the output of the last norm. The feature at position i predicts token i + 1.
 */
final class Chameleon {
    private static final String EMBEDDING = "model.embed_tokens.weight";

    private final ChameleonConfig config;
    private final Weights weights;

    /** A model over {@code weights}, named as in the official checkpoints, which stay the caller's. */
    Chameleon(ChameleonConfig config, Weights weights) {
        this.config = config;
        this.weights = weights;
    }

    /**
     * Features f32 [batch, n, dim] of whole sequences.
     *
     * @param tokens i64 [batch, n]
     */
    Tensor features(Tensor tokens) {
        Tensor h = torch.embedding(embedding(config, weights), tokens);
        Tensor angles = angles((int) tokens.size(1));
        for (int i = 0; i < config.layers(); i++) {
            ChameleonLayer<Tensor> layer = ChameleonLayer.of(config, weights, weights::get, layerName(i));
            h = h.add(attention(DecoderLayer.norm(h, layer.attentionNorm(), config.normEps()), layer, angles));
            Tensor n = DecoderLayer.norm(h, layer.ffnNorm(), config.normEps());
            Tensor gated = torch.silu(torch.linear(n, layer.gate())).mul(torch.linear(n, layer.up()));
            h = h.add(torch.linear(gated, layer.down()));
        }
        return DecoderLayer.norm(h, weights.get("model.norm.weight", config.dim()), config.normEps());
    }

    /** Logits f32 [..., vocab] of features f32 [..., dim]. */
    Tensor logits(Tensor features) {
        return torch.linear(features, weights.get(headName(config), config.vocabSize(), config.dim()));
    }

    /** The embedding [vocab, dim] of a checkpoint. */
    static Tensor embedding(ChameleonConfig config, Weights weights) {
        return weights.get(EMBEDDING, config.vocabSize(), config.dim());
    }

    /** What the names of layer {@code i}'s tensors begin with. */
    static String layerName(int i) {
        return "model.layers." + i + ".";
    }

    /** The name of the head [vocab, dim] in a checkpoint. */
    static String headName(ChameleonConfig config) {
        return config.tied() ? EMBEDDING : "lm_head.weight";
    }

    private Tensor attention(Tensor x, ChameleonLayer<Tensor> layer, Tensor angles) {
        Tensor query = turn(normalised(heads(x, layer.query()), layer.queryNorm(), layer.queryShift()), angles);
        Tensor key = turn(normalised(heads(x, layer.key()), layer.keyNorm(), layer.keyShift()), angles);
        Tensor value = heads(x, layer.value());
        long shared = config.heads() / config.keyHeads();
        Tensor attended = torch.scaled_dot_product_attention(
                query.transpose(1, 2),
                torch.repeat_interleave(key, shared, new LongOptional(2), new LongOptional())
                        .transpose(1, 2),
                torch.repeat_interleave(value, shared, new LongOptional(2), new LongOptional())
                        .transpose(1, 2),
                new TensorOptional(),
                0,
                true,
                new DoubleOptional(),
                false);
        return torch.linear(attended.transpose(1, 2).flatten(2, 3), layer.out());
    }

    /** [batch, n, heads, headDim] */
    private Tensor heads(Tensor x, Tensor weight) {
        return torch.linear(x, weight).unflatten(-1, -1, config.headDim());
    }

    /** Layer norm of each head, with the weights [heads, headDim] of its own. */
    private Tensor normalised(Tensor x, Tensor weight, Tensor shift) {
        Tensor normed = torch.layer_norm(
                x,
                new long[] {config.headDim()},
                new TensorOptional(),
                new TensorOptional(),
                ChameleonLayer.HEAD_NORM_EPS,
                false);
        return normed.mul(weight).add(shift);
    }

    /** Cosines, then sines, of positions 0 to n - 1: [2, n, 1, headDim / 2]. */
    private Tensor angles(int n) {
        int half = config.headDim() / 2;
        float[] values = new float[2 * n * half];
        for (int p = 0; p < n; p++) {
            for (int j = 0; j < half; j++) {
                float frequency = (float) (1 / Math.pow(config.ropeBase(), 2.0 * j / config.headDim()));
                float angle = p * frequency;
                values[p * half + j] = (float) Math.cos(angle);
                values[(n + p) * half + j] = (float) Math.sin(angle);
            }
        }
        return Tensors.of(values, 2, n, 1, half);
    }

    /** Turns each channel of the first half of a head with the one at its place in the second half. */
    private static Tensor turn(Tensor x, Tensor angles) {
        long half = x.size(-1) / 2;
        Tensor cos = angles.select(0, 0);
        Tensor sin = angles.select(0, 1);
        Tensor a = x.narrow(-1, 0, half);
        Tensor b = x.narrow(-1, half, half);
        return torch.cat(new TensorVector(a.mul(cos).sub(b.mul(sin)), b.mul(cos).add(a.mul(sin))), -1);
    }
}
