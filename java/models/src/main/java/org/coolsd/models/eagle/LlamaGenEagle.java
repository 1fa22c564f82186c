package org.coolsd.models.eagle;

import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.coolsd.libtorch.DecoderShape;
import org.coolsd.libtorch.LayerWeights;
import org.coolsd.libtorch.Matrix;
import org.coolsd.libtorch.Rotary;
import org.coolsd.libtorch.Weights;
import org.coolsd.models.decoder.Prefix;

/** LANTERN's drafters for LlamaGen, whose layer has no first norm. */
public record LlamaGenEagle(EagleConfig config, Weights weights) implements EagleWeights {
    @Override
    public DecoderShape shape() {
        return config.shape();
    }

    @Override
    public int vocabSize() {
        return config.vocabSize();
    }

    @Override
    public Tensor bias() {
        return weights.get("fc.bias", config.dim());
    }

    @Override
    public LayerWeights<Matrix> layer() {
        String at = "layers.0.";
        long d = config.dim();
        long f = config.feedForward();
        return new LayerWeights<>(
                null,
                List.of(
                        weights.matrix(at + "self_attn.q_proj.weight", d, d),
                        weights.matrix(at + "self_attn.k_proj.weight", d, d),
                        weights.matrix(at + "self_attn.v_proj.weight", d, d)),
                weights.matrix(at + "self_attn.o_proj.weight", d, d),
                weights.get(at + "post_attention_layernorm.weight", d),
                weights.matrix(at + "mlp.gate_proj.weight", f, d),
                weights.matrix(at + "mlp.up_proj.weight", f, d),
                weights.matrix(at + "mlp.down_proj.weight", d, f));
    }

    /**
     * How they read images of {@code grid} x {@code grid} tokens: condition positions as token 0. None of them is turned.
     *
     * @param conditions positions of the target's longest prefix
     */
    public static EagleInput input(EagleConfig config, int grid, int conditions) {
        return new Input(config.dim() / config.heads(), grid, conditions);
    }

    private record Input(int headDim, int grid, int conditions) implements EagleInput {
        /** One position that is not turned, then the cells of the image. */
        @Override
        public Rotary rotary() {
            return Rotary.grid(grid, 1, headDim, 10000);
        }

        @Override
        public int longest() {
            return conditions - 1 + grid * grid;
        }

        @Override
        public int longestPrefix() {
            return conditions;
        }

        @Override
        public long row(int token) {
            return token;
        }

        @Override
        public long prefixRow(Prefix prefix, int position) {
            return 0;
        }

        /** The position behind the prefix is the first cell of the image. */
        @Override
        public int turn(int prefixLength) {
            return 2 - prefixLength;
        }
    }
}
