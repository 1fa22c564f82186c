package org.coolsd.models.llamagen;

import java.io.IOException;
import org.coolsd.decode.TargetModel;
import org.coolsd.libtorch.Precision;
import org.coolsd.models.Prompt;

/** A text-conditional GPT with its weights. */
final class LoadedCaptionModel extends LoadedLlamaGen<Caption> {
    LoadedCaptionModel(TargetForward forward, Precision precision) {
        super(forward, precision);
    }

    @Override
    public TargetModel<Caption> model(boolean guided, int threads) {
        return forward.captions(guided, threads);
    }

    @Override
    public Caption condition(Prompt prompt) throws IOException {
        if (!(prompt instanceof Prompt.CaptionEmbeddings captions)) {
            throw new IllegalArgumentException(
                    "this model makes images of a caption's embeddings: a safetensors file with "
                            + CaptionFile.EMBEDDINGS + " [captions, positions, "
                            + forward.config().captionDim() + "]");
        }
        Caption caption = CaptionFile.read(captions.file(), captions.index());
        forward.captions().require(caption);
        return caption;
    }
}
