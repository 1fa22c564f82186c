package org.coolsd.models.t5;

import java.util.function.Predicate;
import java.util.function.Supplier;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.coolsd.Guard;
import org.coolsd.libtorch.Linear;
import org.coolsd.libtorch.OwnedTensors;
import org.coolsd.libtorch.PassScope;
import org.coolsd.libtorch.Placement;
import org.coolsd.libtorch.Precision;
import org.coolsd.libtorch.Tensors;
import org.coolsd.libtorch.Weights;

/**
 * The encoder of T5 (Raffel et al., arXiv 1910.10683; the gated GELU of T5 1.1: Shazeer, arXiv 2002.05202): RMS norms, no
 * biases, attention scores that are not scaled and to which the first layer's bias of relative positions is added in every
 * layer.
 *
 * <p>Only matrix products are in the model's precision. The residual stream, the norms, attention and the feed-forward's
 * hidden values are f32 in any: in f16 they overflow, as T5 was trained in bf16.
 *
 * <p>Shared by any number of threads.
 */
final class T5Encoder implements AutoCloseable {
    private static final long[] LAST = {-1};

    private final T5Config config;
    private final Placement placement;
    private final Tensor embedding;
    private final Tensor positionBias;
    private final Layer[] layers;
    private final Tensor finalNorm;
    private final OwnedTensors owned = new OwnedTensors();
    private final Guard guard;

    /** One layer, its matrices prepared; {@code gate} is null where the feed-forward has none. */
    private record Layer(
            Tensor attentionNorm, Linear qkv, Linear out, Tensor ffnNorm, Linear gate, Linear up, Linear down) {}

    /**
     * @param weights by official names; those of the decoder are not asked for
     * @throws IllegalArgumentException if {@code weights} do not fit {@code config}; the message names the tensor
     */
    T5Encoder(T5Config config, Weights weights, Precision precision, Placement placement) {
        this.config = config;
        this.placement = placement;
        try (PassScope scope = new PassScope()) {
            embedding = keep(weights.get(embedding(weights::has), config.vocabSize(), config.dim()));
            positionBias = keep(weights.get(
                    "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight",
                    config.buckets(),
                    config.heads()));
            layers = new Layer[config.layers()];
            for (int i = 0; i < layers.length; i++) {
                layers[i] = layer(weights, "encoder.block." + i + ".layer.", precision);
            }
            finalNorm = keep(weights.get("encoder.final_layer_norm.weight", config.dim()));
        } catch (RuntimeException | Error e) {
            owned.close();
            throw e;
        }
        guard = new Guard(this, "the text encoder", owned::close);
    }

    /** Which tensor is the embedding: checkpoints have one of the two, or both, which are the same. */
    static String embedding(Predicate<String> has) {
        String own = "encoder.embed_tokens.weight";
        return has.test(own) && !has.test("shared.weight") ? own : "shared.weight";
    }

    private Tensor keep(Tensor tensor) {
        return owned.keep(placement.place(tensor.to(ScalarType.Float)));
    }

    private Layer layer(Weights weights, String name, Precision precision) {
        int inner = config.heads() * config.headDim();
        int dim = config.dim();
        String attention = name + "0.SelfAttention.";
        String ffn = name + "1.DenseReluDense.";
        Linear gate = config.gated()
                ? matrix(() -> weights.get(ffn + "wi_0.weight", config.feedForward(), dim), precision)
                : null;
        String up = ffn + (config.gated() ? "wi_1.weight" : "wi.weight");
        return new Layer(
                keep(weights.get(name + "0.layer_norm.weight", dim)),
                matrix(
                        () -> torch.cat(
                                new TensorVector(
                                        weights.get(attention + "q.weight", inner, dim),
                                        weights.get(attention + "k.weight", inner, dim),
                                        weights.get(attention + "v.weight", inner, dim)),
                                0),
                        precision),
                matrix(() -> weights.get(attention + "o.weight", dim, inner), precision),
                keep(weights.get(name + "1.layer_norm.weight", dim)),
                gate,
                matrix(() -> weights.get(up, config.feedForward(), dim), precision),
                matrix(() -> weights.get(ffn + "wo.weight", dim, config.feedForward()), precision));
    }

    /** A matrix ready for products; as the checkpoint has it it is freed at once, before the next one is read. */
    private Linear matrix(Supplier<Tensor> weight, Precision precision) {
        try (PointerScope scope = new PointerScope()) {
            return Linear.of(weight.get(), null, precision, placement, owned);
        }
    }

    /** The configuration it was built from. */
    T5Config config() {
        return config;
    }

    /**
     * The last hidden states of one text, every token of which reads every other.
     *
     * @param tokens at least one, 0..vocabulary - 1
     * @return [tokens, dim], row after row
     */
    float[] forward(long[] tokens) {
        guard.share();
        try (PassScope scope = new PassScope()) {
            Tensor stream = embedding.index_select(0, placement.place(Tensors.of(tokens, tokens.length)));
            TensorOptional bias = new TensorOptional(bias(tokens.length));
            for (Layer layer : layers) {
                stream.add_(attention(layer, normed(stream, layer.attentionNorm), bias));
                stream.add_(feedForward(layer, normed(stream, layer.ffnNorm)));
            }
            float[] states = new float[Math.multiplyExact(tokens.length, config.dim())];
            normed(stream, finalNorm).cpu().contiguous().data_ptr_float().get(states);
            return states;
        } finally {
            guard.unshare();
        }
    }

    /** What is added to the scores, f32 [1, heads, n, n]. */
    private Tensor bias(int n) {
        long[] buckets = RelativePositions.buckets(n, config.buckets(), config.maxDistance());
        return positionBias
                .index_select(0, placement.place(Tensors.of(buckets, buckets.length)))
                .view(n, n, config.heads())
                .permute(2, 0, 1)
                .unsqueeze(0)
                .contiguous();
    }

    private Tensor normed(Tensor x, Tensor weight) {
        Tensor meanSquare = x.mul(x).mean(LAST, true, new ScalarTypeOptional());
        return x.mul(meanSquare.add_(new Scalar(config.normEps())).rsqrt_()).mul_(weight);
    }

    private Tensor attention(Layer layer, Tensor x, TensorOptional bias) {
        long n = x.size(0);
        // [query, key or value; heads, n, head]
        Tensor qkv = layer.qkv
                .apply(x)
                .to(ScalarType.Float)
                .view(n, 3, config.heads(), config.headDim())
                .permute(1, 2, 0, 3)
                .unsqueeze(1);
        Tensor attended = torch.scaled_dot_product_attention(
                qkv.select(0, 0), qkv.select(0, 1), qkv.select(0, 2), bias, 0, false, new DoubleOptional(1), false);
        Tensor rows = attended.squeeze(0).transpose(0, 1).reshape(n, (long) config.heads() * config.headDim());
        return layer.out.apply(rows.contiguous());
    }

    private Tensor feedForward(Layer layer, Tensor x) {
        Tensor up = layer.up.apply(x).to(ScalarType.Float);
        Tensor hidden = layer.gate == null
                ? torch.relu(up)
                : torch.gelu(layer.gate.apply(x).to(ScalarType.Float), "tanh").mul_(up);
        return layer.down.apply(hidden);
    }

    /** Frees the weights; does nothing the second time. */
    @Override
    public void close() {
        guard.close();
    }
}
