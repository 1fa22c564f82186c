package org.coolsd.models.decoder;

import java.util.function.IntToLongFunction;
import org.bytedeco.pytorch.Tensor;
import org.coolsd.libtorch.LayerWeights;
import org.coolsd.libtorch.Matrix;

/**
 * The tensors of a decoder as a family's checkpoint has them; each is asked for once, and belongs to the pointer scope that
 * asks.
 */
public interface DecoderWeights {
    /** What positions read, a row each, [entries, dim] of any floating-point type: tokens, and classes where they are read. */
    Tensor embedding();

    /** The row of {@link #embedding} that a position reads whose token is the argument; kept. */
    IntToLongFunction ids();

    /** Layer {@code i}. */
    LayerWeights<Matrix> layer(int i);

    /** Weight [dim] of the last norm. */
    Tensor norm();

    /** The head [vocabulary, dim]: a row for each token of the decoding loop, which need not be all of the model's. */
    Matrix head();
}
