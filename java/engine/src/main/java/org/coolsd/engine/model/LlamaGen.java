package org.coolsd.engine.model;

import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * LlamaGen's class-conditional GPT (Sun et al. 2024, "Autoregressive Model Beats Diffusion"). Position 0 holds the
 * class, position i the image token i - 1; the feature at position i predicts image token i.
 *
 * <p>Features are the output of the last norm: what the head and the EAGLE drafter read.
 */
public final class LlamaGen {
    private final LlamaGenConfig config;
    private final Precision precision;
    private final Tensor classes;
    private final Tensor tokens;
    private final DecoderLayer[] layers;
    private final Tensor norm;
    private final Tensor head;
    private final Tensor mask;
    private final boolean training;

    private LlamaGen(LlamaGenConfig config, Weights weights, Precision precision, boolean training) {
        this.config = config;
        this.precision = precision;
        this.training = training;
        long d = config.dim();
        long f = config.feedForward();
        classes = weights.get("cls_embedding.embedding_table.weight", config.numClasses() + 1, d);
        tokens = weights.get("tok_embeddings.weight", config.vocabSize(), d);
        norm = weights.get("norm.weight", d);
        Tensor output = weights.get("output.weight", config.vocabSize(), d);
        head = training ? output : precision.cast(output);
        Rotary rotary =
                Rotary.grid(config.grid(), config.conditions(), config.dim() / config.heads(), config.ropeBase());
        mask = DecoderLayer.causalMask(rotary.positions());
        layers = new DecoderLayer[config.layers()];
        for (int i = 0; i < layers.length; i++) {
            String at = "layers." + i + ".";
            layers[i] = new DecoderLayer(
                    new DecoderLayer.Parameters(
                            weights.get(at + "attention_norm.weight", d),
                            new Tensor[] {weights.get(at + "attention.wqkv.weight", 3 * d, d)},
                            weights.get(at + "attention.wo.weight", d, d),
                            weights.get(at + "ffn_norm.weight", d),
                            weights.get(at + "feed_forward.w1.weight", f, d),
                            weights.get(at + "feed_forward.w3.weight", f, d),
                            weights.get(at + "feed_forward.w2.weight", d, f)),
                    config.heads(),
                    config.normEps(),
                    rotary,
                    precision,
                    training);
        }
    }

    /** A model that answers: weights are converted to {@code precision} once. */
    public static LlamaGen forInference(LlamaGenConfig config, Weights weights, Precision precision) {
        return new LlamaGen(config, weights, precision, false);
    }

    /** A model that learns: {@code weights} stay the leaves, converted to {@code precision} in every pass. */
    public static LlamaGen forTraining(LlamaGenConfig config, Weights weights, Precision precision) {
        return new LlamaGen(config, weights, precision, true);
    }

    /** Fresh weights: normal with deviation 0.02, as in the official code; norms 1. */
    public static Weights initialise(LlamaGenConfig config) {
        long d = config.dim();
        long f = config.feedForward();
        Map<String, Tensor> w = new LinkedHashMap<>();
        w.put("cls_embedding.embedding_table.weight", normal(config.numClasses() + 1, d));
        w.put("tok_embeddings.weight", normal(config.vocabSize(), d));
        for (int i = 0; i < config.layers(); i++) {
            String at = "layers." + i + ".";
            w.put(at + "attention.wqkv.weight", normal(3 * d, d));
            w.put(at + "attention.wo.weight", normal(d, d));
            w.put(at + "feed_forward.w1.weight", normal(f, d));
            w.put(at + "feed_forward.w3.weight", normal(f, d));
            w.put(at + "feed_forward.w2.weight", normal(d, f));
            w.put(at + "attention_norm.weight", torch.ones(d));
            w.put(at + "ffn_norm.weight", torch.ones(d));
        }
        w.put("norm.weight", torch.ones(d));
        w.put("output.weight", normal(config.vocabSize(), d));
        return new Weights(w);
    }

    static Tensor normal(long... shape) {
        return torch.randn(shape, new TensorOptions(ScalarType.Float)).mul_(new Scalar(0.02));
    }

    /** The configuration this model was built from. */
    public LlamaGenConfig config() {
        return config;
    }

    /** An empty cache for {@code batch} sequences of a whole image. */
    public KvCache newCache(long batch) {
        return new KvCache(
                layers.length,
                batch,
                config.heads(),
                config.conditions() + config.blockSize(),
                config.dim() / config.heads());
    }

    /**
     * Features of whole sequences, for training.
     *
     * @param labels i64 [batch], 0..numClasses
     * @param images i64 [batch, n] tokens, n below blockSize: the last token of an image predicts nothing
     * @return f32 [batch, 1 + n, dim]
     */
    public Tensor features(Tensor labels, Tensor images) {
        Tensor x = torch.cat(new TensorVector(embedClasses(labels), embedTokens(images)), 1);
        return run(x, null);
    }

    /**
     * Features of the next positions of every sequence of the batch; the cache grows by as many.
     *
     * @param x embeddings f32 [batch, n, dim], from {@link #embedClasses} and {@link #embedTokens}
     */
    public Tensor features(Tensor x, KvCache cache) {
        cache.requireRoom(x.size(1));
        return run(x, cache);
    }

    private Tensor run(Tensor x, KvCache cache) {
        long rows = x.size(1);
        long position = cache == null ? 0 : cache.length();
        Tensor seen = cache == null || rows == 1
                ? null
                : mask.narrow(0, position, rows).narrow(1, 0, position + rows);
        Tensor h = x;
        for (int i = 0; i < layers.length; i++) {
            h = layers[i].forward(h, position, cache, i, seen);
        }
        if (cache != null) {
            cache.advance(rows);
        }
        return DecoderLayer.norm(h, norm, config.normEps());
    }

    /** Embeds class labels i64 [batch] as f32 [batch, 1, dim]. */
    public Tensor embedClasses(Tensor labels) {
        return torch.embedding(classes, labels).unsqueeze(1);
    }

    /** Embeds image tokens i64 [batch, n] as f32 [batch, n, dim]. */
    public Tensor embedTokens(Tensor images) {
        return torch.embedding(tokens, images);
    }

    /** Logits f32 [..., vocab] of features f32 [..., dim]. */
    public Tensor logits(Tensor features) {
        Tensor weight = training ? precision.cast(head) : head;
        return torch.linear(precision.cast(features), weight).to(ScalarType.Float);
    }
}
