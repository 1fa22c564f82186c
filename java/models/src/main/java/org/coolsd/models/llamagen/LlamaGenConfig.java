package org.coolsd.models.llamagen;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import org.coolsd.libtorch.DecoderShape;
import org.coolsd.models.Configuration;
import org.jspecify.annotations.Nullable;

/**
 * Configuration of a LlamaGen GPT, with the official names.
 *
 * @param dim width of the residual stream
 * @param layers number of layers
 * @param heads attention heads; dim / heads must be a multiple of 4
 * @param feedForward width of the SwiGLU
 * @param ropeBase base of the rotary frequencies
 * @param normEps epsilon of the RMS norms
 * @param numClasses classes; class number numClasses is the null class of classifier-free guidance; 0 where images are made
 *     from captions
 * @param vocabSize image tokens
 * @param conditions condition positions before the image: 1 for a class, the most of a caption otherwise
 * @param blockSize image tokens of one image, a square number
 * @param captionDim width of a caption's embeddings; 0 where images are made from classes
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record LlamaGenConfig(
        int dim,
        int layers,
        int heads,
        int feedForward,
        double ropeBase,
        double normEps,
        int numClasses,
        int vocabSize,
        int conditions,
        int blockSize,
        int captionDim) {

    /** A class-conditional model with the official feed-forward width: 8/3 dim rounded up to a multiple of {@code multipleOf}. */
    public LlamaGenConfig(
            int dim,
            int layers,
            int heads,
            int multipleOf,
            double ropeBase,
            double normEps,
            int numClasses,
            int vocabSize,
            int conditions,
            int blockSize) {
        this(
                dim,
                layers,
                heads,
                feedForward(dim, multipleOf),
                ropeBase,
                normEps,
                numClasses,
                vocabSize,
                conditions,
                blockSize,
                0);
    }

    /**
     * Checks every number.
     *
     * @throws IllegalArgumentException in one line, for a model that would not be read right
     */
    public LlamaGenConfig {
        Configuration.requirePositive("dim", dim);
        Configuration.requirePositive("n_layer", layers);
        Configuration.requirePositive("n_head", heads);
        Configuration.requirePositive("feed-forward width", feedForward);
        Configuration.requirePositive("rope_base", ropeBase);
        Configuration.requirePositive("norm_eps", normEps);
        Configuration.requirePositive("cls_token_num", conditions);
        if (captionDim == 0) {
            Configuration.requirePositive("num_classes", numClasses);
        }
        Configuration.requirePositive("vocab_size", vocabSize);
        Configuration.requirePositive("block_size", blockSize);
        if (dim % heads != 0 || dim / heads % 4 != 0) {
            throw new IllegalArgumentException(
                    "dim is " + dim + " and n_head " + heads + "; dim / n_head must be a multiple of 4");
        }
        if (captionDim == 0 && conditions != 1) {
            throw new IllegalArgumentException(
                    "cls_token_num is " + conditions + "; a class-conditional model (c2i) has 1, a class");
        }
        long side = Math.round(Math.sqrt(blockSize));
        if (side * side != blockSize) {
            throw new IllegalArgumentException(
                    "block_size is " + blockSize + "; the image tokens of a square image are a square number");
        }
    }

    /** What a config.json says; what it may say beside the record's components must be what every published model has. */
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
            @JsonProperty("caption_dim") int captionDim,
            @JsonProperty("model_type") @Nullable String type) {
        boolean captions = "t2i".equals(type);
        if (type != null && !captions && !type.equals("c2i")) {
            throw new IllegalArgumentException(
                    "model_type is '" + type + "'; models are made for classes (c2i) or captions (t2i)");
        }
        Configuration.requirePositive("dim", dim);
        Configuration.requirePositive("multiple_of", multipleOf);
        if (captions) {
            Configuration.requirePositive("caption_dim", captionDim);
        }
        LlamaGenConfig config = new LlamaGenConfig(
                dim,
                layers,
                heads,
                feedForward(dim, multipleOf),
                ropeBase,
                normEps,
                captions ? 0 : numClasses,
                vocabSize,
                conditions,
                blockSize,
                captions ? captionDim : 0);
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

    /** The official feed-forward width: 8/3 dim rounded up to a multiple of {@code multipleOf}. */
    static int feedForward(int dim, int multipleOf) {
        int hidden = 2 * (4 * dim) / 3;
        return (hidden + multipleOf - 1) / multipleOf * multipleOf;
    }

    /** Whether images are made from captions (t2i), not from classes (c2i). */
    public boolean captions() {
        return captionDim > 0;
    }

    /** The same model for images of {@code grid} x {@code grid} tokens. */
    public LlamaGenConfig withGrid(int grid) {
        return new LlamaGenConfig(
                dim,
                layers,
                heads,
                feedForward,
                ropeBase,
                normEps,
                numClasses,
                vocabSize,
                conditions,
                grid * grid,
                captionDim);
    }

    /** Its sizes as a decoder. */
    public DecoderShape shape() {
        return DecoderShape.of(layers, dim, heads, feedForward, normEps);
    }

    /** The null class, the condition of the unconditional half of classifier-free guidance. */
    public int nullClass() {
        return numClasses;
    }
}
