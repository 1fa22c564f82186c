package org.coolsd.models.llamagen;

import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.coolsd.libtorch.DecoderLayer;
import org.coolsd.libtorch.Precision;
import org.coolsd.libtorch.Rotary;
import org.coolsd.libtorch.Tensors;
import org.coolsd.libtorch.Weights;

/**
 * LlamaGen's class-conditional GPT (Sun et al. 2024, "Autoregressive Model Beats Diffusion") over whole sequences: what
 * training and teacher forcing need. Position 0 holds the class, position i the image token i - 1; the feature at
 * position i predicts image token i.
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
    private final boolean training;

    private LlamaGen(LlamaGenConfig config, Weights weights, Precision precision, boolean training) {
        this.config = config;
        this.precision = precision;
        this.training = training;
        if (config.captions()) {
            throw new IllegalArgumentException(
                    "the model makes images from captions (t2i); over whole sequences class-conditional ones are read (c2i)");
        }
        LlamaGenTensors tensors = new LlamaGenTensors(config, weights);
        classes = tensors.classes();
        tokens = tensors.tokens();
        norm = tensors.norm();
        Tensor output = tensors.head(weights::get);
        head = training ? output : precision.cast(output);
        Rotary rotary = TargetForward.rotary(config);
        layers = new DecoderLayer[config.layers()];
        for (int i = 0; i < layers.length; i++) {
            layers[i] = new DecoderLayer(
                    tensors.layer(i, weights::get), config.heads(), config.normEps(), rotary, precision, training);
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

    /** Names and shapes of a checkpoint's tensors, in the order of the official code. */
    public static Map<String, long[]> shapes(LlamaGenConfig config) {
        long d = config.dim();
        long f = config.feedForward();
        Map<String, long[]> shapes = new LinkedHashMap<>();
        shapes.put("cls_embedding.embedding_table.weight", new long[] {config.numClasses() + 1, d});
        shapes.put("tok_embeddings.weight", new long[] {config.vocabSize(), d});
        for (int i = 0; i < config.layers(); i++) {
            String at = "layers." + i + ".";
            shapes.put(at + "attention.wqkv.weight", new long[] {3 * d, d});
            shapes.put(at + "attention.wo.weight", new long[] {d, d});
            shapes.put(at + "feed_forward.w1.weight", new long[] {f, d});
            shapes.put(at + "feed_forward.w3.weight", new long[] {f, d});
            shapes.put(at + "feed_forward.w2.weight", new long[] {d, f});
            shapes.put(at + "attention_norm.weight", new long[] {d});
            shapes.put(at + "ffn_norm.weight", new long[] {d});
        }
        shapes.put("norm.weight", new long[] {d});
        shapes.put("output.weight", new long[] {config.vocabSize(), d});
        return shapes;
    }

    /** Fresh weights: normal with deviation 0.02, as in the official code; norms 1. */
    public static Weights initialise(LlamaGenConfig config) {
        Map<String, Tensor> w = new LinkedHashMap<>();
        shapes(config)
                .forEach((name, shape) -> w.put(name, shape.length == 1 ? torch.ones(shape) : Tensors.normal(shape)));
        return new Weights(w);
    }

    /** The configuration this model was built from. */
    public LlamaGenConfig config() {
        return config;
    }

    /** The token embedding f32 [vocab, dim], which an EAGLE drafter shares; it belongs to this model. */
    public Tensor tokenEmbedding() {
        return tokens;
    }

    /**
     * Features of whole sequences.
     *
     * @param labels i64 [batch], 0..numClasses
     * @param images i64 [batch, n] tokens, n below blockSize: the last token of an image predicts nothing
     * @return f32 [batch, 1 + n, dim]
     */
    public Tensor features(Tensor labels, Tensor images) {
        Tensor condition = torch.embedding(classes, labels).unsqueeze(1);
        Tensor h = torch.cat(new TensorVector(condition, torch.embedding(tokens, images)), 1);
        for (DecoderLayer layer : layers) {
            h = layer.forward(h);
        }
        return DecoderLayer.norm(h, norm, config.normEps());
    }

    /** Logits f32 [..., vocab] of features f32 [..., dim]. */
    public Tensor logits(Tensor features) {
        Tensor weight = training ? precision.cast(head) : head;
        return torch.linear(precision.cast(features), weight).to(ScalarType.Float);
    }
}
