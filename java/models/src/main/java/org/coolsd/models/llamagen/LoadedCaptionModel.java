package org.coolsd.models.llamagen;

import java.io.IOException;
import org.coolsd.decode.TargetModel;
import org.coolsd.libtorch.Precision;
import org.coolsd.models.Prompt;
import org.coolsd.models.t5.EncodedText;

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
    public boolean readsEmbeddings() {
        return true;
    }

    @Override
    public Caption condition(Prompt prompt) throws IOException {
        Caption caption;
        if (prompt instanceof Prompt.CaptionEmbeddings captions) {
            caption = captions.file().read(captions.index());
        } else if (prompt instanceof Prompt.Encoded encoded) {
            EncodedText text = encoded.text();
            caption = new Caption(text.rows(), text.count(), text.width());
        } else {
            throw new IllegalArgumentException(
                    "this model makes images of captions: text, with the encoder in its folder, or"
                            + " a safetensors file with " + CaptionFile.EMBEDDINGS + " [captions, positions, "
                            + forward.config().captionDim() + "]");
        }
        forward.captions().require(caption);
        return caption;
    }
}
