package org.coolsd.libtorch;

import java.util.function.IntFunction;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.coolsd.libtorch.LayerWeights.HeadNorm;
import org.jspecify.annotations.Nullable;

/**
 * The layers of a Llama-family decoder over the rows of one pass: RMS norm, rotary attention over the caches, RMS norm,
 * SwiGLU. Norm weights are multiplied into the matrices that follow them. Shared by any number of threads, each with its
 * own {@link Rows}.
 */
public final class DecoderStack {
    private static final long[] LAST = {-1};
    private static final ScalarTypeOptional SAME_TYPE = new ScalarTypeOptional().retainReference();
    private static final DoubleOptional DEFAULT_SCALE = new DoubleOptional().retainReference();

    private final Layer[] layers;
    private final Tensor epsilon;
    private final boolean shared;
    private final long[] headChannels;

    /** One layer, its matrices prepared. */
    private record Layer(
            boolean normed, Linear qkv, @Nullable HeadNorm headNorm, Linear out, Linear gateUp, Linear down) {}

    /**
     * @param weights of each layer, from 0 on; asked for once, when the matrices of the layer before are made
     * @param owner keeps what the weights become
     */
    public DecoderStack(
            DecoderShape shape,
            IntFunction<LayerWeights<Matrix>> weights,
            Precision precision,
            Placement placement,
            OwnedTensors owner) {
        shared = shape.heads() != shape.keyHeads();
        headChannels = new long[] {shape.headDim()};
        layers = new Layer[shape.layers()];
        for (int i = 0; i < layers.length; i++) {
            try (PointerScope scope = new PointerScope()) {
                layers[i] = layer(weights.apply(i), precision, placement, owner);
            }
        }
        epsilon = owner.keep(placement.place(torch.full(new long[] {1}, new Scalar(shape.normEps() * shape.dim()))));
    }

    private static Layer layer(LayerWeights<Matrix> w, Precision precision, Placement placement, OwnedTensors owner) {
        Matrix qkv = w.qkv().stream().reduce(Matrix::above).orElseThrow();
        Tensor attentionNorm = w.attentionNorm() == null ? null : normWeight(w.attentionNorm());
        Tensor ffnNorm = normWeight(w.ffnNorm());
        HeadNorm norm = w.headNorm() == null
                ? null
                : new HeadNorm(
                        owner.keep(placement.place(w.headNorm().weight().to(ScalarType.Float))),
                        owner.keep(placement.place(w.headNorm().bias().to(ScalarType.Float))));
        return new Layer(
                attentionNorm != null,
                Linear.of(qkv, attentionNorm, null, precision, placement, owner),
                norm,
                Linear.of(w.out(), null, null, precision, placement, owner),
                Linear.of(w.gate().above(w.up()), ffnNorm, null, precision, placement, owner),
                Linear.of(w.down(), null, null, precision, placement, owner));
    }

    /** What the output of {@link #normalise} is to be multiplied with to be an RMS norm of this weight. */
    public static Tensor normWeight(Tensor norm) {
        return norm.mul(new Scalar(Math.sqrt(norm.size(0))));
    }

    /** Computes all layers on the residual stream of {@code v}, in place, and writes keys and values to the caches. */
    public void forward(Rows rows, Rows.View v) {
        for (int i = 0; i < layers.length; i++) {
            Layer layer = layers[i];
            if (layer.normed) {
                normalise(v);
            }
            v.qkv().copy_(layer.qkv.apply(layer.normed ? v.normed() : v.stream()));
            if (layer.headNorm != null) {
                v.heads()
                        .copy_(torch.layer_norm(v.heads(), headChannels)
                                .mul_(layer.headNorm.weight())
                                .add_(layer.headNorm.bias()));
            }
            v.turning().mul_(v.angles());
            for (Rows.Segment s : rows.segments()) {
                s.cache().flat(i).index_copy_(0, s.view().cacheRows(), s.view().keyValue());
                int end = s.cache().length() + s.n();
                Tensor attended = torch.scaled_dot_product_attention(
                        s.view().query(),
                        s.cache().keys(i, end),
                        s.cache().values(i, end),
                        s.mask(),
                        0,
                        false,
                        DEFAULT_SCALE,
                        shared);
                s.view().attended().copy_(attended);
            }
            v.stream().add_(layer.out.apply(v.attended()));
            normalise(v);
            v.gateUp().copy_(layer.gateUp.apply(v.normed()));
            torch.silu_(v.gate());
            torch.mul_out(v.hidden(), v.gate(), v.up());
            v.stream().add_(layer.down.apply(v.hidden()));
        }
    }

    /** x / sqrt(sum(x^2) + dim eps), which is the RMS norm without its weight over the root of the width. */
    public void normalise(Rows.View v) {
        torch.mul_out(v.squares(), v.stream(), v.stream());
        torch.sum_out(v.scale(), v.squares(), LAST, true, SAME_TYPE);
        v.scale().add_(epsilon).rsqrt_();
        torch.mul_out(v.normed(), v.stream(), v.scale());
    }
}
