package org.coolsd.models.chameleon;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.JsonNode;
import org.coolsd.libtorch.DecoderShape;
import org.coolsd.libtorch.KvCacheMemory;
import org.coolsd.models.Configuration;
import org.jspecify.annotations.Nullable;

/**
 * Configuration of a Chameleon decoder, with the official names.
 *
 * @param dim hidden_size
 * @param feedForward intermediate_size
 * @param layers num_hidden_layers
 * @param heads num_attention_heads
 * @param keyHeads num_key_value_heads, each shared by heads / keyHeads heads
 * @param shards model_parallel_size: heads of one shard may share the weights of their norms
 * @param normEps rms_norm_eps
 * @param ropeBase rope_theta
 * @param positions max_position_embeddings: prompt and image together
 * @param vocabSize vocab_size
 * @param tied tie_word_embeddings: the head is the embedding
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record ChameleonConfig(
        int dim,
        int feedForward,
        int layers,
        int heads,
        int keyHeads,
        int shards,
        double normEps,
        double ropeBase,
        int positions,
        int vocabSize,
        boolean tied) {

    /**
     * Checks every number.
     *
     * @throws IllegalArgumentException in one line, for a model that would not be read right
     */
    public ChameleonConfig {
        Configuration.requirePositive("hidden_size", dim);
        Configuration.requirePositive("intermediate_size", feedForward);
        Configuration.requirePositive("num_hidden_layers", layers);
        Configuration.requirePositive("num_attention_heads", heads);
        Configuration.requirePositive("num_key_value_heads", keyHeads);
        Configuration.requirePositive("model_parallel_size", shards);
        Configuration.requirePositive("rms_norm_eps", normEps);
        Configuration.requirePositive("rope_theta", ropeBase);
        Configuration.requirePositive("max_position_embeddings", positions);
        Configuration.requirePositive("vocab_size", vocabSize);
        if (dim % heads != 0 || dim / heads % 2 != 0) {
            throw new IllegalArgumentException("hidden_size is " + dim + " and num_attention_heads " + heads
                    + "; hidden_size / num_attention_heads must be an even number");
        }
        if (heads % keyHeads != 0) {
            throw new IllegalArgumentException("num_key_value_heads is " + keyHeads + " and num_attention_heads "
                    + heads + "; the one must divide the other");
        }
    }

    /** What a config.json says; what it may say beside the record's components must be what these models have. */
    @JsonCreator
    static ChameleonConfig read(
            @JsonProperty("hidden_size") int dim,
            @JsonProperty("intermediate_size") int feedForward,
            @JsonProperty("num_hidden_layers") int layers,
            @JsonProperty("num_attention_heads") int heads,
            @JsonProperty("num_key_value_heads") @Nullable Integer keyHeads,
            @JsonProperty("model_parallel_size") @Nullable Integer shards,
            @JsonProperty("rms_norm_eps") double normEps,
            @JsonProperty("rope_theta") @Nullable Double ropeBase,
            @JsonProperty("max_position_embeddings") int positions,
            @JsonProperty("vocab_size") int vocabSize,
            @JsonProperty("tie_word_embeddings") @Nullable Boolean tied,
            @JsonProperty("swin_norm") @Nullable Boolean swinNorm,
            @JsonProperty("rope_scaling") @Nullable JsonNode ropeScaling,
            @JsonProperty("attention_bias") @Nullable Boolean attentionBias,
            @JsonProperty("mlp_bias") @Nullable Boolean feedForwardBias,
            @JsonProperty("hidden_act") @Nullable String activation) {
        refuse("swin_norm", swinNorm, "norms behind attention and MLP, as in Chameleon 34B,");
        refuse("attention_bias", attentionBias, "biases in attention");
        refuse("mlp_bias", feedForwardBias, "biases in the MLP");
        if (ropeScaling != null && !ropeScaling.isNull()) {
            throw new IllegalArgumentException("rope_scaling is " + ropeScaling
                    + "; only models with plain rotary embeddings are read (rope_scaling null)");
        }
        if (activation != null && !activation.equals("silu")) {
            throw new IllegalArgumentException("hidden_act is '" + activation + "'; only models with 'silu' are read");
        }
        return new ChameleonConfig(
                dim,
                feedForward,
                layers,
                heads,
                keyHeads == null ? heads : keyHeads,
                shards == null ? 1 : shards,
                normEps,
                ropeBase == null ? 10000 : ropeBase,
                positions,
                vocabSize,
                tied != null && tied);
    }

    private static void refuse(String name, @Nullable Boolean value, String what) {
        if (value != null && value) {
            throw new IllegalArgumentException(
                    name + " is true; models with " + what + " are not read, only those with " + name + " false");
        }
    }

    /** Channels of a head. */
    int headDim() {
        return dim / heads;
    }

    /** Its sizes as the decoding loop's passes want them. */
    DecoderShape shape() {
        return new DecoderShape(layers, dim, heads, keyHeads, headDim(), feedForward, normEps);
    }

    /** What keys and values of a branch take. */
    KvCacheMemory cache() {
        return new KvCacheMemory(layers(), keyHeads(), headDim(), positions());
    }
}
