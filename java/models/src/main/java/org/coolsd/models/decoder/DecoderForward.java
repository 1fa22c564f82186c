package org.coolsd.models.decoder;

import java.util.function.IntToLongFunction;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.coolsd.Guard;
import org.coolsd.libtorch.DecoderShape;
import org.coolsd.libtorch.DecoderStack;
import org.coolsd.libtorch.KvCache;
import org.coolsd.libtorch.Linear;
import org.coolsd.libtorch.Matrix;
import org.coolsd.libtorch.OwnedTensors;
import org.coolsd.libtorch.PassScope;
import org.coolsd.libtorch.Placement;
import org.coolsd.libtorch.Precision;
import org.coolsd.libtorch.Rotary;
import org.coolsd.libtorch.Rows;

/**
 * A decoder's weights, prepared for passes of few rows. A branch of a sequence is a prefix of positions and then its tokens;
 * the feature at a position, which is the last norm's output, predicts the token behind it.
 *
 * <p>Shared by any number of threads; each makes its {@link DecoderPass}.
 */
public final class DecoderForward implements AutoCloseable {
    private final DecoderShape shape;
    private final Placement placement;
    private final int positions;
    private final DecoderStack stack;
    private final Tensor embedding;
    private final IntToLongFunction ids;
    private final Tensor norm;
    private final Linear head;
    private final int vocab;
    private final Rotary rotary;
    private final OwnedTensors owned = new OwnedTensors();
    private final Guard guard;

    /**
     * @param weights not kept
     * @param rotary closed with this
     * @param positions of the longest branch of a sequence: its prefix and its tokens
     * @throws IllegalArgumentException if {@code weights} are not of this shape; the message names the tensor
     */
    public DecoderForward(
            DecoderShape shape,
            DecoderWeights weights,
            Rotary rotary,
            int positions,
            Precision precision,
            Placement placement) {
        this.shape = shape;
        this.placement = placement;
        this.positions = positions;
        this.rotary = rotary;
        try (PassScope scope = new PassScope()) {
            try (PointerScope read = new PointerScope()) {
                embedding = owned.keep(placement.place(weights.embedding()));
            }
            ids = weights.ids();
            stack = new DecoderStack(shape, weights::layer, precision, placement, owned);
            norm = owned.keep(placement.place(DecoderStack.normWeight(weights.norm())));
            Matrix matrix = weights.head();
            vocab = Math.toIntExact(matrix.rows());
            head = Linear.of(matrix, null, null, precision, placement, owned);
        } catch (RuntimeException | Error e) {
            owned.close();
            rotary.close();
            throw e;
        }
        OwnedTensors tensors = owned;
        guard = new Guard(this, "the target", () -> {
            tensors.close();
            rotary.close();
        });
    }

    /** Its sizes. */
    public DecoderShape shape() {
        return shape;
    }

    /** Where it computes. */
    public Placement placement() {
        return placement;
    }

    /** Tokens that its head knows. */
    public int vocab() {
        return vocab;
    }

    /** An empty cache for a sequence of any length; {@code halves} is 2 with guidance, else 1. */
    public KvCache newCache(int halves) {
        guard.require();
        try (PassScope scope = new PassScope()) {
            return new KvCache(placement, shape, halves, positions);
        }
    }

    /** Memory for passes of up to {@code rows} rows: halves times positions, summed over the sequences of a pass. */
    public DecoderPass newPass(int rows) {
        guard.require();
        try (PassScope scope = new PassScope()) {
            return new DecoderPass(this, new Rows(placement, rows, positions, shape, rotary));
        }
    }

    /** Logits f32 [rows, vocab] of features f32 [rows, dim]: a new tensor. */
    public Tensor logits(Tensor features) {
        Tensor logits = head.apply(features);
        return logits.scalar_type().intern() == ScalarType.Float ? logits : logits.to(ScalarType.Float);
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
     * Frees the weights.
     *
     * @throws IllegalStateException if a decoder of it is open
     */
    @Override
    public void close() {
        guard.close();
    }

    long id(int token) {
        return ids.applyAsLong(token);
    }

    DecoderStack stack() {
        return stack;
    }

    Tensor embedding() {
        return embedding;
    }

    Tensor norm() {
        return norm;
    }
}
