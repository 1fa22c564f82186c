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
        @JsonProperty("vocab_size") int vocabSize) {}
