package org.coolsd.models.vq;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;

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
        @JsonProperty("num_res_blocks") int resBlocks) {}
