package org.coolsd.models.eagle;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import org.coolsd.models.Configuration;
import org.jspecify.annotations.Nullable;

/**
 * Configuration of an EAGLE drafter, with the official names.
 *
 * @param dim width, the target's
 * @param feedForward width of the SwiGLU
 * @param heads attention heads
 * @param normEps epsilon of the RMS norm
 * @param vocabSize image tokens
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record EagleConfig(
        @JsonProperty("hidden_size") int dim,
        @JsonProperty("intermediate_size") int feedForward,
        @JsonProperty("num_attention_heads") int heads,
        @JsonProperty("rms_norm_eps") double normEps,
        @JsonProperty("vocab_size") int vocabSize) {

    /**
     * Checks every number.
     *
     * @throws IllegalArgumentException in one line, for a drafter that would not be read right
     */
    public EagleConfig {
        Configuration.requirePositive("hidden_size", dim);
        Configuration.requirePositive("intermediate_size", feedForward);
        Configuration.requirePositive("num_attention_heads", heads);
        Configuration.requirePositive("rms_norm_eps", normEps);
        Configuration.requirePositive("vocab_size", vocabSize);
        if (dim % heads != 0 || dim / heads % 4 != 0) {
            throw new IllegalArgumentException("hidden_size is " + dim + " and num_attention_heads " + heads
                    + "; hidden_size / num_attention_heads must be a multiple of 4");
        }
    }

    /** What a config.json says; what it may say beside the record's components must be what LANTERN's drafters have. */
    @JsonCreator
    static EagleConfig read(
            @JsonProperty("hidden_size") int dim,
            @JsonProperty("intermediate_size") int feedForward,
            @JsonProperty("num_attention_heads") int heads,
            @JsonProperty("num_key_value_heads") @Nullable Integer keyHeads,
            @JsonProperty("num_hidden_layers") @Nullable Integer layers,
            @JsonProperty("hidden_act") @Nullable String activation,
            @JsonProperty("rms_norm_eps") double normEps,
            @JsonProperty("vocab_size") int vocabSize) {
        EagleConfig config = new EagleConfig(dim, feedForward, heads, normEps, vocabSize);
        if (keyHeads != null && keyHeads != heads) {
            throw new IllegalArgumentException("num_key_value_heads is " + keyHeads + " and num_attention_heads "
                    + heads + "; grouped-query attention is not read");
        }
        if (layers != null && layers != 1) {
            throw new IllegalArgumentException("num_hidden_layers is " + layers + "; a drafter has 1");
        }
        if (activation != null && !activation.equals("silu")) {
            throw new IllegalArgumentException("hidden_act is '" + activation + "'; only silu is read");
        }
        return config;
    }
}
