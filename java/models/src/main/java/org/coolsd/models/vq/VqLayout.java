package org.coolsd.models.vq;

import java.util.List;
import java.util.function.IntPredicate;

/**
 * How a VQGAN's tensors are called, and where it has attention beside the middle. Levels count resolutions from the finest,
 * which is level 0.
 *
 * @param encoder the encoder's levels, as in "encoder.down."
 * @param decoder the decoder's levels, as in "decoder.up."
 * @param reversed whether the decoder's levels count from the finest, though it begins with the coarsest
 * @param block residual blocks of a level, as in ".block."
 * @param middle the residual block, attention and residual block at the coarsest resolution
 * @param attention whether each residual block of a level is followed by attention
 */
record VqLayout(
        String encoder, String decoder, boolean reversed, String block, List<String> middle, IntPredicate attention) {

    /** LlamaGen's: attention at the coarsest of {@code levels} resolutions. */
    static VqLayout llamaGen(int levels) {
        return new VqLayout(
                "encoder.conv_blocks.",
                "decoder.conv_blocks.",
                false,
                ".res.",
                List.of(".mid.0", ".mid.1", ".mid.2"),
                level -> level == levels - 1);
    }

    /** That of taming-transformers (Esser et al. 2021), which Chameleon's VQGAN has. */
    static VqLayout taming(IntPredicate attention) {
        return new VqLayout(
                "encoder.down.",
                "decoder.up.",
                true,
                ".block.",
                List.of(".mid.block_1", ".mid.attn_1", ".mid.block_2"),
                attention);
    }

    /** The decoder's step {@code step}, of {@code levels}; it begins at the coarsest resolution. */
    String decoderLevel(int step, int levels) {
        return decoder + (reversed ? levels - 1 - step : step);
    }
}
