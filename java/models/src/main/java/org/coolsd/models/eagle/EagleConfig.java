package org.coolsd.models.eagle;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;

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
     * Refuses what a configuration lacks.
     *
     * @throws IllegalArgumentException with the official name and the value
     */
    public EagleConfig {
        requirePositive("hidden_size", dim);
        requirePositive("intermediate_size", feedForward);
        requirePositive("num_attention_heads", heads);
        requirePositive("vocab_size", vocabSize);
        if (!(normEps > 0)) {
            throw new IllegalArgumentException("rms_norm_eps is " + normEps + ", it must be given and above 0");
        }
        if (dim % heads != 0 || dim / heads % 4 != 0) {
            throw new IllegalArgumentException("hidden_size is " + dim + " and num_attention_heads " + heads
                    + ", a head must have a multiple of 4 channels");
        }
    }

    private static void requirePositive(String name, int value) {
        if (value < 1) {
            throw new IllegalArgumentException(name + " is " + value + ", it must be given and at least 1");
        }
    }
}
