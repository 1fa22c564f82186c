package org.coolsd.models.eagle;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.coolsd.libtorch.DecoderLayer;
import org.coolsd.libtorch.LayerWeights;
import org.coolsd.libtorch.Precision;
import org.coolsd.libtorch.Rotary;
import org.coolsd.libtorch.Tensors;
import org.coolsd.libtorch.Weights;

/**
 * The EAGLE drafter in LANTERN's form for LlamaGen: a linear layer over (token embedding, target feature), then one
 * decoder layer without first norm. Its output is a prediction of the target's next feature, and the target's head
 * turns it into draft logits.
 *
 * <p>Position i reads image token i and the target's feature that token i was drawn from, and predicts the feature
 * that token i + 1 is drawn from. Rotary position i is cell i of the image.
 */
public final class EagleDrafter {
    private final EagleConfig config;
    private final Precision precision;
    private final boolean training;
    private final Tensor tokens;
    private final Tensor fc;
    private final Tensor fcBias;
    private final DecoderLayer layer;

    EagleDrafter(EagleConfig config, Rotary rotary, Weights weights, Precision precision, boolean training) {
        this.config = config;
        this.precision = precision;
        this.training = training;
        long d = config.dim();
        tokens = weights.get("embed_tokens.weight", config.vocabSize(), d);
        Tensor joint = weights.get("fc.weight", d, 2 * d);
        fc = training ? joint : precision.cast(joint);
        Tensor bias = weights.get("fc.bias", d);
        fcBias = training ? bias : precision.cast(bias);
        layer = new DecoderLayer(
                layer(config, weights, weights::get), config.heads(), config.normEps(), rotary, precision, training);
    }

    /**
     * A drafter that answers.
     *
     * @param grid side of the image in tokens: 24 for the published class-conditional drafters
     */
    public static EagleDrafter forInference(EagleConfig config, int grid, Weights weights, Precision precision) {
        return new EagleDrafter(config, rotary(config, grid, 0), weights, precision, false);
    }

    /** A drafter that answers, of the image side and the condition positions that its configuration says: the official ones. */
    static EagleDrafter forInference(EagleConfig config, Weights weights, Precision precision) {
        Rotary rotary = rotary(config, config.grid(), config.conditions());
        return new EagleDrafter(config, rotary, weights, precision, false);
    }

    /** A drafter that learns; {@code weights} stay the leaves. */
    public static EagleDrafter forTraining(EagleConfig config, int grid, Weights weights, Precision precision) {
        return new EagleDrafter(config, rotary(config, grid, 0), weights, precision, true);
    }

    /** Fresh weights; the token embedding is a copy of the target's and stays fixed in training, as in EAGLE. */
    public static Weights initialise(EagleConfig config, Tensor targetTokens) {
        long d = config.dim();
        long f = config.feedForward();
        Map<String, Tensor> w = new LinkedHashMap<>();
        w.put("embed_tokens.weight", targetTokens.detach().clone());
        w.put("fc.weight", Tensors.normal(d, 2 * d));
        w.put("fc.bias", torch.zeros(d));
        for (String name : new String[] {"q", "k", "v", "o"}) {
            w.put("layers.0.self_attn." + name + "_proj.weight", Tensors.normal(d, d));
        }
        w.put("layers.0.mlp.gate_proj.weight", Tensors.normal(f, d));
        w.put("layers.0.mlp.up_proj.weight", Tensors.normal(f, d));
        w.put("layers.0.mlp.down_proj.weight", Tensors.normal(d, f));
        w.put("layers.0.post_attention_layernorm.weight", torch.ones(d));
        return new Weights(w);
    }

    /** The one layer of an EAGLE checkpoint, its matrices as {@code matrices} looks them up in {@code weights}. */
    static <M> LayerWeights<M> layer(EagleConfig config, Weights weights, Weights.Lookup<M> matrices) {
        String at = "layers.0.";
        long d = config.dim();
        long f = config.feedForward();
        return new LayerWeights<>(
                null,
                List.of(
                        matrices.get(at + "self_attn.q_proj.weight", d, d),
                        matrices.get(at + "self_attn.k_proj.weight", d, d),
                        matrices.get(at + "self_attn.v_proj.weight", d, d)),
                matrices.get(at + "self_attn.o_proj.weight", d, d),
                weights.get(at + "post_attention_layernorm.weight", d),
                matrices.get(at + "mlp.gate_proj.weight", f, d),
                matrices.get(at + "mlp.up_proj.weight", f, d),
                matrices.get(at + "mlp.down_proj.weight", d, f));
    }

    /**
     * The rotary embedding of a drafter of images of {@code grid} x {@code grid} tokens.
     *
     * @param conditions positions before the image, which are not turned
     */
    static Rotary rotary(EagleConfig config, int grid, int conditions) {
        return Rotary.grid(grid, conditions, config.dim() / config.heads(), 10000);
    }

    /** The configuration this drafter was built from. */
    public EagleConfig config() {
        return config;
    }

    /**
     * Predicted features of whole sequences.
     *
     * @param images i64 [batch, n]: tokens of positions 0 and on
     * @param features f32 [batch, n, dim]: the features those tokens were drawn from
     * @return f32 [batch, n, dim]: the features the following tokens are drawn from
     */
    public Tensor features(Tensor images, Tensor features) {
        Tensor joint = torch.cat(new TensorVector(torch.embedding(tokens, images), features), -1);
        Tensor weight = training ? precision.cast(fc) : fc;
        Tensor bias = training ? precision.cast(fcBias) : fcBias;
        Tensor x = torch.linear(precision.cast(joint), weight, new TensorOptional(bias))
                .to(torch.ScalarType.Float);
        return layer.forward(x);
    }
}
