package org.coolsd.models.llamagen;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.coolsd.libtorch.OwnedTensors;
import org.coolsd.libtorch.Placement;
import org.coolsd.libtorch.Tensors;
import org.coolsd.models.decoder.Conditioning;
import org.coolsd.models.decoder.Prefix;

/**
 * Sequences of a text-conditional GPT begin with the caption's embeddings behind two matrices, GELU between them (cap_proj);
 * the unconditional branch with as many of the learned embeddings of no caption, the last ones.
 *
 * <p>The official code pads captions on the left to all condition positions and masks the padding in both branches. No
 * condition position is turned, so that a masked one changes nothing: here it is left out.
 */
final class CaptionConditioning implements Conditioning<Caption> {
    private final LlamaGenConfig config;
    private final Placement placement;
    private final Tensor in;
    private final Tensor out;
    private final Tensor none;

    /** @param owner keeps its tensors */
    CaptionConditioning(LlamaGenConfig config, LlamaGenTensors tensors, Placement placement, OwnedTensors owner) {
        this.config = config;
        this.placement = placement;
        in = owner.keep(placement.place(tensors.captionIn()));
        out = owner.keep(placement.place(tensors.captionOut()));
        none = owner.keep(project(placement.place(tensors.noCaption())));
    }

    private Tensor project(Tensor embeddings) {
        return torch.linear(torch.gelu(torch.linear(embeddings, in), "tanh"), out);
    }

    @Override
    public int longestPrefix() {
        return config.conditions();
    }

    @Override
    public int longestSequence() {
        return config.blockSize();
    }

    /** @throws IllegalArgumentException in one line, if the model cannot read {@code caption} */
    void require(Caption caption) {
        int n = caption.positions();
        if (n > config.conditions()) {
            throw new IllegalArgumentException(
                    "the caption has " + n + " positions, the model reads at most " + config.conditions());
        }
        if (caption.width() != config.captionDim()) {
            throw new IllegalArgumentException("the caption's embeddings have width " + caption.width()
                    + ", the model reads " + config.captionDim() + "; they are another text encoder's");
        }
    }

    @Override
    public Prefix prefix(Caption caption, boolean conditional) {
        require(caption);
        int n = caption.positions();
        return Prefix.of(
                conditional
                        ? project(placement.place(Tensors.of(caption.embeddings(), n, caption.width())))
                        : none.narrow(0, config.conditions() - n, n));
    }

    /** No condition position is turned; the last of them is the one before the first cell of the image. */
    @Override
    public int turn(int prefixLength) {
        return 1 - prefixLength;
    }
}
