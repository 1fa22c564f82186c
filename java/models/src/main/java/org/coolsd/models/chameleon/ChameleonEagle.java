package org.coolsd.models.chameleon;

import java.util.Objects;
import org.bytedeco.pytorch.Tensor;
import org.coolsd.libtorch.DecoderShape;
import org.coolsd.libtorch.LayerWeights;
import org.coolsd.libtorch.Matrix;
import org.coolsd.libtorch.Rotary;
import org.coolsd.libtorch.Weights;
import org.coolsd.models.decoder.Prefix;
import org.coolsd.models.eagle.EagleInput;
import org.coolsd.models.eagle.EagleWeights;
import org.jspecify.annotations.Nullable;

/**
 * LANTERN's drafters for Anole and Lumina-mGPT: a layer of Chameleon's, with its first norm and its norms of queries and keys.
 *
 * @param config of the drafter
 * @param biased whether the linear layer adds a bias
 */
record ChameleonEagle(ChameleonConfig config, boolean biased, Weights weights) implements EagleWeights {
    @Override
    public DecoderShape shape() {
        return config.shape();
    }

    @Override
    public int vocabSize() {
        return config.vocabSize();
    }

    @Override
    public @Nullable Tensor bias() {
        return biased ? weights.get("fc.bias", config.dim()) : null;
    }

    @Override
    public LayerWeights<Matrix> layer() {
        return ChameleonLayer.prepared(config, weights, "layers.0.");
    }

    /**
     * How they read sequences: all tokens but the first, with positions from 0 on.
     *
     * @param config of the drafter
     * @param positions of the longest sequence
     * @param first the vocabulary's number of the decoding loop's token 0: see {@link ChameleonTensors}
     */
    static EagleInput input(ChameleonConfig config, int positions, int first) {
        return new Input(config.headDim(), config.ropeBase(), positions, first);
    }

    private record Input(int headDim, double ropeBase, int positions, int first) implements EagleInput {
        @Override
        public Rotary rotary() {
            return Rotary.line(positions, headDim, ropeBase);
        }

        @Override
        public int longest() {
            return positions;
        }

        @Override
        public int longestPrefix() {
            return positions;
        }

        @Override
        public long row(int token) {
            return first + token;
        }

        @Override
        public long prefixRow(Prefix prefix, int position) {
            return Objects.requireNonNull(prefix.ids())[position];
        }

        @Override
        public int turn(int prefixLength) {
            return 0;
        }
    }
}
