package org.coolsd.models.chameleon;

import java.util.function.IntToLongFunction;
import org.bytedeco.pytorch.Tensor;
import org.coolsd.decode.Window;
import org.coolsd.libtorch.LayerWeights;
import org.coolsd.libtorch.Matrix;
import org.coolsd.libtorch.Placement;
import org.coolsd.libtorch.Precision;
import org.coolsd.libtorch.Rotary;
import org.coolsd.libtorch.Weights;
import org.coolsd.models.decoder.DecoderForward;
import org.coolsd.models.decoder.DecoderWeights;

/**
 * A Chameleon checkpoint as the decoding loop's passes want it. The loop's tokens count from the first image token on: the head
 * has a row for each of those and for no other, so that 8192 logits are computed and verified and not 65536. Tokens behind
 * them, which are forced and never drawn, are those of the vocabulary likewise.
 */
final class ChameleonTensors implements DecoderWeights {
    private final ChameleonConfig config;
    private final Weights weights;
    private final Window image;

    /** @param image the tokens that are drawn */
    ChameleonTensors(ChameleonConfig config, Weights weights, Window image) {
        this.config = config;
        this.weights = weights;
        this.image = image;
    }

    /**
     * The decoder for the decoding loop.
     *
     * @param weights not kept
     * @param image the tokens that are drawn
     */
    static DecoderForward forward(
            ChameleonConfig config, Weights weights, Window image, Precision precision, Placement placement) {
        return new DecoderForward(
                config.shape(),
                new ChameleonTensors(config, weights, image),
                Rotary.line(config.positions(), config.headDim(), config.ropeBase()),
                config.positions(),
                precision,
                placement);
    }

    @Override
    public Tensor embedding() {
        return Chameleon.embedding(config, weights);
    }

    @Override
    public IntToLongFunction ids() {
        int first = image.from();
        return token -> first + token;
    }

    @Override
    public LayerWeights<Matrix> layer(int i) {
        return ChameleonLayer.prepared(config, weights, Chameleon.layerName(i));
    }

    @Override
    public Tensor norm() {
        return weights.get("model.norm.weight", config.dim());
    }

    /** The rows of the image tokens; no other is read. */
    @Override
    public Matrix head() {
        Matrix all = weights.matrix(Chameleon.headName(config), config.vocabSize(), config.dim());
        return new Matrix() {
            @Override
            public long rows() {
                return image.to() - image.from();
            }

            @Override
            public long columns() {
                return all.columns();
            }

            @Override
            public Tensor read(long first, long n) {
                return all.read(image.from() + first, n);
            }
        };
    }
}
