package org.coolsd.models.llamagen;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import org.coolsd.models.Configuration;
import org.jspecify.annotations.Nullable;

/**
 * Configuration of a LlamaGen GPT, with the official names.
 *
 * @param dim width of the residual stream
 * @param layers number of layers
 * @param heads attention heads; dim / heads must be a multiple of 4
 * @param multipleOf the feed-forward width is 8/3 dim rounded up to a multiple of this
 * @param ropeBase base of the rotary frequencies
 * @param normEps epsilon of the RMS norms
 * @param numClasses classes; class number numClasses is the null class of classifier-free guidance
 * @param vocabSize image tokens
 * @param conditions condition positions before the image: 1 for a class
 * @param blockSize image tokens of one image, a square number
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record LlamaGenConfig(
        @JsonProperty("dim") int dim,
        @JsonProperty("n_layer") int layers,
        @JsonProperty("n_head") int heads,
        @JsonProperty("multiple_of") int multipleOf,
        @JsonProperty("rope_base") double ropeBase,
        @JsonProperty("norm_eps") double normEps,
        @JsonProperty("num_classes") int numClasses,
        @JsonProperty("vocab_size") int vocabSize,
        @JsonProperty("cls_token_num") int conditions,
        @JsonProperty("block_size") int blockSize) {

    /**
     * Checks every number.
     *
     * @throws IllegalArgumentException in one line, for a model that would not be read right
     */
    public LlamaGenConfig {
        Configuration.requirePositive("dim", dim);
        Configuration.requirePositive("n_layer", layers);
        Configuration.requirePositive("n_head", heads);
        Configuration.requirePositive("multiple_of", multipleOf);
        Configuration.requirePositive("rope_base", ropeBase);
        Configuration.requirePositive("norm_eps", normEps);
        Configuration.requirePositive("num_classes", numClasses);
        Configuration.requirePositive("vocab_size", vocabSize);
        Configuration.requirePositive("block_size", blockSize);
        if (dim % heads != 0 || dim / heads % 4 != 0) {
            throw new IllegalArgumentException(
                    "dim is " + dim + " and n_head " + heads + "; dim / n_head must be a multiple of 4");
        }
        if (conditions != 1) {
            throw new IllegalArgumentException("cls_token_num is " + conditions
                    + "; only models with one condition position, a class, are read (cls_token_num 1)");
        }
        long side = Math.round(Math.sqrt(blockSize));
        if (side * side != blockSize) {
            throw new IllegalArgumentException(
                    "block_size is " + blockSize + "; the image tokens of a square image are a square number");
        }
    }

    /** What a config.json says; what it may say beside the record's components must be what every c2i model has. */
    @JsonCreator
    static LlamaGenConfig read(
            @JsonProperty("dim") int dim,
            @JsonProperty("n_layer") int layers,
            @JsonProperty("n_head") int heads,
            @JsonProperty("n_kv_head") @Nullable Integer keyHeads,
            @JsonProperty("multiple_of") int multipleOf,
            @JsonProperty("ffn_dim_multiplier") @Nullable Double feedForwardFactor,
            @JsonProperty("rope_base") double ropeBase,
            @JsonProperty("norm_eps") double normEps,
            @JsonProperty("num_classes") int numClasses,
            @JsonProperty("vocab_size") int vocabSize,
            @JsonProperty("cls_token_num") int conditions,
            @JsonProperty("block_size") int blockSize,
            @JsonProperty("model_type") @Nullable String type) {
        if (type != null && !type.equals("c2i")) {
            throw new IllegalArgumentException(
                    "model_type is '" + type + "'; only class-conditional models are read (c2i)");
        }
        LlamaGenConfig config = new LlamaGenConfig(
                dim, layers, heads, multipleOf, ropeBase, normEps, numClasses, vocabSize, conditions, blockSize);
        if (keyHeads != null && keyHeads != heads) {
            throw new IllegalArgumentException(
                    "n_kv_head is " + keyHeads + " and n_head " + heads + "; grouped-query attention is not read");
        }
        if (feedForwardFactor != null && feedForwardFactor != 1) {
            throw new IllegalArgumentException(
                    "ffn_dim_multiplier is " + feedForwardFactor + "; only models without one are read");
        }
        return config;
    }

    /** Image side in tokens. */
    public int grid() {
        return (int) Math.round(Math.sqrt(blockSize));
    }

    /** Feed-forward width: 8/3 dim rounded up to a multiple of {@code multipleOf}. */
    public int feedForward() {
        int hidden = 2 * (4 * dim) / 3;
        return (hidden + multipleOf - 1) / multipleOf * multipleOf;
    }

    /** The null class, the condition of the unconditional half of classifier-free guidance. */
    public int nullClass() {
        return numClasses;
    }
}
