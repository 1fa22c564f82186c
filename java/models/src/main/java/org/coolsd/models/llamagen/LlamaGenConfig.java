package org.coolsd.models.llamagen;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;

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
     * Refuses what a configuration lacks, and what the class-conditional model does not have.
     *
     * @throws IllegalArgumentException with the official name and the value
     */
    public LlamaGenConfig {
        requirePositive("dim", dim);
        requirePositive("n_layer", layers);
        requirePositive("n_head", heads);
        requirePositive("multiple_of", multipleOf);
        requirePositive("num_classes", numClasses);
        requirePositive("vocab_size", vocabSize);
        requirePositive("block_size", blockSize);
        if (!(ropeBase > 0) || !(normEps > 0)) {
            throw new IllegalArgumentException(
                    "rope_base is " + ropeBase + " and norm_eps " + normEps + ", both must be given and above 0");
        }
        if (dim % heads != 0 || dim / heads % 4 != 0) {
            throw new IllegalArgumentException(
                    "dim is " + dim + " and n_head " + heads + ", a head must have a multiple of 4 channels");
        }
        if (conditions != 1) {
            throw new IllegalArgumentException("cls_token_num is " + conditions
                    + ", it must be 1: the class; models of captions are not read by this version");
        }
        long side = Math.round(Math.sqrt(blockSize));
        if (side * side != blockSize) {
            throw new IllegalArgumentException("block_size is " + blockSize + ", it must be a square: images are");
        }
    }

    private static void requirePositive(String name, int value) {
        if (value < 1) {
            throw new IllegalArgumentException(name + " is " + value + ", it must be given and at least 1");
        }
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
