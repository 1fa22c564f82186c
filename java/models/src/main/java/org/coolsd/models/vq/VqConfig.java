package org.coolsd.models.vq;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import org.coolsd.models.Configuration;

/**
 * Configuration of LlamaGen's VQ tokenizer, with the official names. The image side is 2^(chMult.length - 1) times the
 * token side.
 *
 * @param codebookSize entries
 * @param embedDim channels of a codebook entry
 * @param l2Norm whether latents and entries are compared on the unit sphere
 * @param ch base width, a multiple of 32
 * @param chMult width of each resolution as a multiple of ch, finest first
 * @param zChannels channels between the convolutions and the quantiser
 * @param resBlocks residual blocks per resolution of the encoder; the decoder has one more
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record VqConfig(
        @JsonProperty("codebook_size") int codebookSize,
        @JsonProperty("codebook_embed_dim") int embedDim,
        @JsonProperty("codebook_l2_norm") boolean l2Norm,
        @JsonProperty("ch") int ch,
        @JsonProperty("ch_mult") int[] chMult,
        @JsonProperty("z_channels") int zChannels,
        @JsonProperty("num_res_blocks") int resBlocks) {

    /**
     * Checks every number.
     *
     * @throws IllegalArgumentException in one line, for a tokenizer that would not be read right
     */
    public VqConfig {
        Configuration.requirePositive("codebook_size", codebookSize);
        Configuration.requirePositive("codebook_embed_dim", embedDim);
        Configuration.requirePositive("ch", ch);
        Configuration.requirePositive("z_channels", zChannels);
        Configuration.requirePositive("num_res_blocks", resBlocks);
        if (chMult == null || chMult.length == 0) {
            throw new IllegalArgumentException(
                    "ch_mult is missing; it has one width for each resolution, as in [1, 2]");
        }
        for (int factor : chMult) {
            Configuration.requirePositive("a width in ch_mult", factor);
        }
        if (ch % 32 != 0) {
            throw new IllegalArgumentException(
                    "ch is " + ch + "; it must be a multiple of 32, the groups of the norms");
        }
    }
}
