package org.coolsd.models.t5;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import org.coolsd.models.Configuration;
import org.jspecify.annotations.Nullable;

/**
 * Configuration of a T5 encoder, with the names of transformers.
 *
 * @param vocabSize rows of the embedding; a tokenizer may have fewer tokens
 * @param dim width of the residual stream, {@code d_model}
 * @param headDim width of a head, {@code d_kv}; {@code heads * headDim} need not be the width
 * @param feedForward {@code d_ff}
 * @param layers of the encoder
 * @param heads attention heads
 * @param buckets of relative positions, half of them for either direction
 * @param maxDistance from which on all distances share the last bucket of their direction
 * @param normEps epsilon of the RMS norms
 * @param gated whether the feed-forward is a gated GELU, as in T5 1.1 and flan-t5, or the ReLU of the first T5
 * @param endToken what every text ends with
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record T5Config(
        int vocabSize,
        int dim,
        int headDim,
        int feedForward,
        int layers,
        int heads,
        int buckets,
        int maxDistance,
        double normEps,
        boolean gated,
        int endToken) {

    /**
     * Checks every number.
     *
     * @throws IllegalArgumentException in one line, for an encoder that would not be read right
     */
    public T5Config {
        Configuration.requirePositive("vocab_size", vocabSize);
        Configuration.requirePositive("d_model", dim);
        Configuration.requirePositive("d_kv", headDim);
        Configuration.requirePositive("d_ff", feedForward);
        Configuration.requirePositive("num_layers", layers);
        Configuration.requirePositive("num_heads", heads);
        Configuration.requirePositive("layer_norm_epsilon", normEps);
        if (buckets < 4 || buckets % 4 != 0) {
            throw new IllegalArgumentException(
                    "relative_attention_num_buckets is " + buckets + "; it must be a multiple of 4, above 0");
        }
        if (maxDistance <= buckets / 4) {
            throw new IllegalArgumentException("relative_attention_max_distance is " + maxDistance
                    + "; it must be above a quarter of the " + buckets + " buckets");
        }
        if (endToken < 0 || endToken >= vocabSize) {
            throw new IllegalArgumentException(
                    "eos_token_id is " + endToken + "; it must be 0.." + (vocabSize - 1) + ", a token");
        }
    }

    /** What a config.json says; where it is silent transformers' T5Config decides. */
    @JsonCreator
    static T5Config read(
            @JsonProperty("vocab_size") int vocabSize,
            @JsonProperty("d_model") int dim,
            @JsonProperty("d_kv") int headDim,
            @JsonProperty("d_ff") int feedForward,
            @JsonProperty("num_layers") int layers,
            @JsonProperty("num_heads") int heads,
            @JsonProperty("relative_attention_num_buckets") @Nullable Integer buckets,
            @JsonProperty("relative_attention_max_distance") @Nullable Integer maxDistance,
            @JsonProperty("layer_norm_epsilon") @Nullable Double normEps,
            @JsonProperty("feed_forward_proj") @Nullable String projection,
            @JsonProperty("dense_act_fn") @Nullable String activation,
            @JsonProperty("eos_token_id") @Nullable Integer endToken) {
        String kind = projection == null ? "relu" : projection;
        if (!kind.equals("relu") && !kind.equals("gated-gelu")) {
            throw new IllegalArgumentException(
                    "feed_forward_proj is '" + kind + "'; only gated-gelu and relu are read");
        }
        boolean gated = kind.equals("gated-gelu");
        String fits = gated ? "gelu_new" : "relu";
        if (activation != null && !activation.equals(fits)) {
            throw new IllegalArgumentException("dense_act_fn is '" + activation + "'; with feed_forward_proj " + kind
                    + " only " + fits + " is read");
        }
        return new T5Config(
                vocabSize,
                dim,
                headDim,
                feedForward,
                layers,
                heads,
                buckets == null ? 32 : buckets,
                maxDistance == null ? 128 : maxDistance,
                normEps == null ? 1e-6 : normEps,
                gated,
                endToken == null ? 1 : endToken);
    }
}
