package org.coolsd.models.eagle;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Set;
import org.coolsd.libtorch.DecoderShape;
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
 * @param inputType what the target makes images from: c2i, t2i or t2i2, captions to images of 256 or 512 pixels
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record EagleConfig(
        @JsonProperty("hidden_size") int dim,
        @JsonProperty("intermediate_size") int feedForward,
        @JsonProperty("num_attention_heads") int heads,
        @JsonProperty("rms_norm_eps") double normEps,
        @JsonProperty("vocab_size") int vocabSize,
        @JsonProperty("input_type") String inputType) {

    /** A drafter for a class-conditional target. */
    public EagleConfig(int dim, int feedForward, int heads, double normEps, int vocabSize) {
        this(dim, feedForward, heads, normEps, vocabSize, "c2i");
    }

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
        if (!Set.of("c2i", "t2i", "t2i2").contains(inputType)) {
            throw new IllegalArgumentException(
                    "input_type is '" + inputType + "'; drafters are read for c2i, t2i and t2i2");
        }
        if (dim % heads != 0 || dim / heads % 4 != 0) {
            throw new IllegalArgumentException("hidden_size is " + dim + " and num_attention_heads " + heads
                    + "; hidden_size / num_attention_heads must be a multiple of 4");
        }
    }

    /** Whether the target makes images from captions. */
    public boolean captions() {
        return !inputType.equals("c2i");
    }

    /** Image side in tokens of the published drafters. */
    int grid() {
        return switch (inputType) {
            case "c2i" -> 24;
            case "t2i" -> 16;
            default -> 32;
        };
    }

    /** Positions of the prefix of the published drafters' targets: a caption's, or a class. */
    int conditions() {
        return captions() ? 120 : 1;
    }

    DecoderShape shape() {
        return DecoderShape.of(1, dim, heads, feedForward, normEps);
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
            @JsonProperty("vocab_size") int vocabSize,
            @JsonProperty("input_type") @Nullable String inputType) {
        EagleConfig config =
                new EagleConfig(dim, feedForward, heads, normEps, vocabSize, inputType == null ? "c2i" : inputType);
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
