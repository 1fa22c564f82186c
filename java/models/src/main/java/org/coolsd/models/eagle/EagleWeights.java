package org.coolsd.models.eagle;

import org.bytedeco.pytorch.Tensor;
import org.coolsd.libtorch.DecoderShape;
import org.coolsd.libtorch.LayerWeights;
import org.coolsd.libtorch.Matrix;
import org.coolsd.libtorch.Weights;
import org.jspecify.annotations.Nullable;

/**
 * The tensors of an EAGLE drafter as a family's checkpoint has them; what is asked for belongs to the pointer scope that asks,
 * unless the weights keep it. Every drafter is a linear layer over (token embedding, target feature) and one decoder layer.
 */
@SuppressWarnings("exports") // The annotation is for compilers: who uses this module needs not have it.
public interface EagleWeights {
    /** Its sizes, of one layer. */
    DecoderShape shape();

    /** Tokens that it has an embedding of. */
    int vocabSize();

    /** The tensors of the checkpoint. */
    Weights weights();

    /** What positions read beside features, a row each: [vocabSize, dim]. */
    default Tensor embedding() {
        return weights().get("embed_tokens.weight", vocabSize(), shape().dim());
    }

    /** The linear layer [dim, 2 dim]: columns of the embedding, then of the feature. */
    default Tensor joint() {
        return weights().get("fc.weight", shape().dim(), 2L * shape().dim());
    }

    /** What it adds [dim], or null. */
    @Nullable
    Tensor bias();

    /** The decoder layer, whose pairs of channels are neighbours. */
    LayerWeights<Matrix> layer();
}
