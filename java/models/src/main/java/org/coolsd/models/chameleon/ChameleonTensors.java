package org.coolsd.models.chameleon;

import java.util.List;
import java.util.function.IntToLongFunction;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.coolsd.decode.Window;
import org.coolsd.libtorch.LayerWeights;
import org.coolsd.libtorch.Matrix;
import org.coolsd.libtorch.Rotary;
import org.coolsd.libtorch.Weights;
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
        ChameleonLayer layer = ChameleonLayer.of(config, weights, i);
        int d = config.headDim();
        return new LayerWeights<>(
                layer.attentionNorm(),
                List.of(
                        Matrix.of(Rotary.neighbours(layer.query(), d)),
                        Matrix.of(Rotary.neighbours(layer.key(), d)),
                        Matrix.of(layer.value())),
                new LayerWeights.HeadNorm(
                        perHead(layer.queryNorm(), layer.keyNorm()), perHead(layer.queryShift(), layer.keyShift())),
                Matrix.of(layer.out()),
                layer.ffnNorm(),
                Matrix.of(layer.gate()),
                Matrix.of(layer.up()),
                Matrix.of(layer.down()));
    }

    /** The queries' rows above the keys', channels in the order of the matrices. */
    private Tensor perHead(Tensor query, Tensor key) {
        Tensor channels = torch.cat(new TensorVector(query, key), 0).flatten();
        return Rotary.neighbours(channels, config.headDim()).view(-1, config.headDim());
    }

    @Override
    public Tensor norm() {
        return weights.get("model.norm.weight", config.dim());
    }

    @Override
    public Matrix head() {
        return Matrix.of(Chameleon.head(config, weights).narrow(0, image.from(), image.to() - image.from()));
    }
}
