package org.coolsd.models.eagle;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;
import org.coolsd.Guard;
import org.coolsd.libtorch.DecoderShape;
import org.coolsd.libtorch.DecoderStack;
import org.coolsd.libtorch.KvCache;
import org.coolsd.libtorch.Linear;
import org.coolsd.libtorch.OwnedTensors;
import org.coolsd.libtorch.PassScope;
import org.coolsd.libtorch.Placement;
import org.coolsd.libtorch.Precision;
import org.coolsd.libtorch.Rotary;
import org.coolsd.libtorch.Rows;
import org.coolsd.libtorch.Weights;
import org.coolsd.models.decoder.DecoderForward;
import org.coolsd.models.llamagen.TargetForward;

/**
 * The EAGLE drafter for decoding: its weights, prepared for passes of few rows. Position i reads token i and the target's
 * feature that token i was drawn from, and predicts the feature that token i + 1 is drawn from; the target's head turns that
 * into draft logits. Before these, the prefix is read likewise, as {@link EagleInput} says.
 *
 * <p>The first matrix reads (embedding, feature) side by side. Its embedding half is multiplied with the embedding table
 * once, so that a pass looks the product up.
 */
public final class DrafterForward implements AutoCloseable {
    private static final int PREFILL = 64;
    private final EagleInput input;
    private final DecoderForward target;
    private final DecoderShape shape;
    private final Tensor embedded;
    private final Linear fromFeatures;
    private final DecoderStack stack;
    private final Rotary rotary;
    private final OwnedTensors owned = new OwnedTensors();
    private final Guard guard;

    /**
     * One for LlamaGen.
     *
     * @throws IllegalArgumentException if {@code weights} do not fit {@code config}; the message names the tensor
     */
    public DrafterForward(EagleConfig config, Weights weights, Precision precision, TargetForward target) {
        this(
                new LlamaGenEagle(config, weights),
                LlamaGenEagle.input(
                        config, target.config().grid(), target.config().conditions()),
                precision,
                target.decoder());
    }

    /**
     * One of any family.
     *
     * @param weights not kept
     * @param target whose features it reads, and whose head it shares
     * @throws IllegalArgumentException if a tensor is missing or has another shape; the message names it
     */
    public DrafterForward(EagleWeights weights, EagleInput input, Precision precision, DecoderForward target) {
        this.input = input;
        this.target = target;
        shape = weights.shape();
        Placement placement = target.placement();
        try (PassScope scope = new PassScope()) {
            long d = shape.dim();
            try (PointerScope read = new PointerScope()) {
                Tensor fc = weights.joint();
                Tensor bias = weights.bias();
                embedded = owned.keep(placement.place(torch.linear(
                        weights.embedding(),
                        fc.narrow(1, 0, d).contiguous(),
                        bias == null ? new TensorOptional() : new TensorOptional(bias))));
                fromFeatures = Linear.of(fc.narrow(1, d, d), null, precision, placement, owned);
            }
            stack = new DecoderStack(shape, i -> weights.layer(), precision, placement, owned);
            rotary = input.rotary();
        } catch (RuntimeException | Error e) {
            owned.close();
            throw e;
        }
        OwnedTensors tensors = owned;
        Rotary angles = rotary;
        guard = new Guard(this, "the drafter", () -> {
            tensors.close();
            angles.close();
        });
    }

    /** @throws IllegalArgumentException if this drafter reads another target's features */
    public void requireMadeFor(DecoderForward other) {
        if (other != target) {
            throw new IllegalArgumentException("drafter was made for another target");
        }
    }

    /** How it reads a sequence. */
    EagleInput input() {
        return input;
    }

    /** Its width. */
    int dim() {
        return shape.dim();
    }

    /** An empty cache for a sequence of a whole image; {@code halves} is 2 with guidance, else 1. */
    public KvCache newCache(int halves) {
        guard.require();
        try (PassScope scope = new PassScope()) {
            return new KvCache(target.placement(), shape, halves, input.longest());
        }
    }

    /** Positions of a prefix that are read at a time. */
    int prefixRows() {
        return Math.min(PREFILL, input.longestPrefix() - 1);
    }

    /** Memory for passes of up to {@code rows} rows: halves times positions, summed over the sequences of a pass. */
    public DrafterPass newPass(int rows) {
        guard.require();
        try (PassScope scope = new PassScope()) {
            return new DrafterPass(this, target, new Rows(target.placement(), rows, input.longest(), shape, rotary));
        }
    }

    /** Keeps {@link #close} off until {@link #leave}: what decodes with it is in it. */
    public void enter() {
        guard.share();
    }

    /** Ends what {@link #enter} began. */
    public void leave() {
        guard.unshare();
    }

    /**
     * Frees the weights; the target keeps its own.
     *
     * @throws IllegalStateException if a decoder of it is open
     */
    @Override
    public void close() {
        guard.close();
    }

    DecoderStack stack() {
        return stack;
    }

    Tensor embedded() {
        return embedded;
    }

    Linear fromFeatures() {
        return fromFeatures;
    }
}
