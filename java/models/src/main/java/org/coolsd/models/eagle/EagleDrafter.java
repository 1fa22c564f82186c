package org.coolsd.models.eagle;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.coolsd.libtorch.DecoderLayer;
import org.coolsd.libtorch.DecoderShape;
import org.coolsd.libtorch.LayerWeights;
import org.coolsd.libtorch.Matrix;
import org.coolsd.libtorch.Precision;
import org.coolsd.libtorch.Rotary;
import org.coolsd.libtorch.Tensors;
import org.coolsd.libtorch.Weights;

/**
 * An EAGLE drafter over whole sequences, for training and teacher forcing: a linear layer over (token embedding, target
 * feature), then one decoder layer. Its output is a prediction of the target's next feature, and the target's head turns it
 * into draft logits.
 *
 * <p>A position reads a token and the target's feature that this token was drawn from, and predicts the feature that the next
 * one is drawn from.
 */
public final class EagleDrafter {
    /** Entries of expected.safetensors that {@link #outputs} reads. */
    public static final Set<String> INPUTS = Set.of("tokens", "input_features");

    private final EagleWeights weights;
    private final EagleInput input;
    private final Rotary rotary;
    private final Precision precision;
    private final boolean training;

    /**
     * A drafter of any family.
     *
     * @param training whether it learns: {@code weights}' tensors are then leaves, converted to {@code precision} in every pass
     */
    public EagleDrafter(EagleWeights weights, EagleInput input, Precision precision, boolean training) {
        this.weights = weights;
        this.input = input;
        this.rotary = input.rotary();
        this.precision = precision;
        this.training = training;
    }

    /**
     * A drafter that answers, of a LlamaGen by class.
     *
     * @param grid side of the image in tokens: 24 for the published class-conditional drafters
     */
    public static EagleDrafter forInference(EagleConfig config, int grid, Weights weights, Precision precision) {
        return of(config, grid, 1, weights, precision);
    }

    /** A drafter that answers, of the image side and the condition positions that its configuration says: the official ones. */
    static EagleDrafter forInference(EagleConfig config, Weights weights, Precision precision) {
        return of(config, config.grid(), config.conditions(), weights, precision);
    }

    private static EagleDrafter of(EagleConfig config, int grid, int conditions, Weights weights, Precision precision) {
        return new EagleDrafter(
                new LlamaGenEagle(config, weights), LlamaGenEagle.input(config, grid, conditions), precision, false);
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

    /**
     * Predicted features of whole images behind a prefix of one position.
     *
     * @param images i64 [batch, n]: tokens of positions 0 and on
     * @param features f32 [batch, n, dim]: the features those tokens were drawn from
     * @return f32 [batch, n, dim]: the features the following tokens are drawn from
     */
    public Tensor features(Tensor images, Tensor features) {
        return features(images, features, 1);
    }

    /**
     * Predicted features of whole sequences.
     *
     * @param rows i64 [batch, n]: the rows of the embedding that positions read, as {@link EagleInput} has them: of the
     *     prefix from its second position on, then of tokens
     * @param features f32 [batch, n, dim]: the target's feature before each
     * @param prefixLength positions of the target's prefix
     * @return f32 [batch, n, dim]: the feature behind each
     */
    public Tensor features(Tensor rows, Tensor features, int prefixLength) {
        Tensor joint = torch.cat(new TensorVector(torch.embedding(weights.embedding(), rows), features), -1);
        Tensor bias = weights.bias();
        Tensor x = torch.linear(
                        precision.cast(joint),
                        precision.cast(weights.joint()),
                        bias == null ? new TensorOptional() : new TensorOptional(precision.cast(bias)))
                .to(ScalarType.Float);
        try (Rotary ofRows = rotary.from(input.turn(prefixLength), (int) rows.size(1))) {
            return layer(ofRows).forward(x);
        }
    }

    /**
     * What expected.safetensors asks for: {@code output_features} of {@link #INPUTS}. Where it does not, one position is
     * computed, so that every tensor is asked for.
     *
     * @param prefixLength positions of the target's prefix
     */
    public Map<String, Tensor> outputs(int prefixLength, Map<String, Tensor> expected) {
        boolean asked = expected.keySet().containsAll(INPUTS);
        Tensor rows = asked ? expected.get("tokens") : Tensors.of(new long[] {0}, 1, 1);
        Tensor features = asked
                ? expected.get("input_features")
                : torch.zeros(1, 1, weights.shape().dim());
        Map<String, Tensor> outputs = new LinkedHashMap<>();
        outputs.put("output_features", features(rows, features, prefixLength));
        outputs.keySet().retainAll(asked ? expected.keySet() : Set.of());
        return outputs;
    }

    private DecoderLayer layer(Rotary ofRows) {
        DecoderShape shape = weights.shape();
        LayerWeights<Matrix> w = weights.layer();
        LayerWeights<Tensor> whole = new LayerWeights<>(
                w.attentionNorm(),
                w.qkv().stream().map(EagleDrafter::whole).toList(),
                w.headNorm(),
                whole(w.out()),
                w.ffnNorm(),
                whole(w.gate()),
                whole(w.up()),
                whole(w.down()));
        return new DecoderLayer(whole, shape.heads(), shape.normEps(), ofRows, precision, training);
    }

    /** All rows, f32; of a matrix in memory autograd follows them to it. */
    private static Tensor whole(Matrix matrix) {
        return matrix.read(0, matrix.rows()).to(ScalarType.Float);
    }
}
