package org.coolsd.models.llamagen;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.coolsd.Guard;
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

/**
 * LlamaGen's class-conditional GPT for decoding: its weights, prepared for passes of few rows. Position 0 of a sequence
 * reads the class, position i the image token i - 1; the feature at position i predicts image token i.
 *
 * <p>Shared by any number of threads; each makes its {@link TargetPass}.
 */
public final class TargetForward implements AutoCloseable {
    private final LlamaGenConfig config;
    private final Placement placement;
    private final DecoderStack stack;
    private final Tensor embedding;
    private final Tensor norm;
    private final Linear head;
    private final Rotary rotary;
    private final OwnedTensors owned = new OwnedTensors();
    private final Guard guard;

    /** @throws IllegalArgumentException if {@code weights} do not fit {@code config}; the message names the tensor */
    public TargetForward(LlamaGenConfig config, Weights weights, Precision precision, Placement placement) {
        this.config = config;
        this.placement = placement;
        try (PassScope scope = new PassScope()) {
            long d = config.dim();
            try (PointerScope read = new PointerScope()) {
                embedding = owned.keep(placement.place(torch.cat(
                        new TensorVector(
                                weights.get("cls_embedding.embedding_table.weight", config.numClasses() + 1, d),
                                weights.get("tok_embeddings.weight", config.vocabSize(), d)),
                        0)));
            }
            stack = new DecoderStack(
                    config.layers(),
                    i -> LlamaGen.layer(config, weights, weights::matrix, i),
                    config.normEps(),
                    precision,
                    placement,
                    owned);
            norm = owned.keep(placement.place(DecoderStack.normWeight(weights.get("norm.weight", d))));
            head = Linear.of(
                    weights.matrix("output.weight", config.vocabSize(), d), null, null, precision, placement, owned);
            rotary = LlamaGen.rotary(config);
        } catch (RuntimeException | Error e) {
            owned.close();
            throw e;
        }
        OwnedTensors tensors = owned;
        Rotary angles = rotary;
        guard = new Guard(this, "the target", () -> {
            tensors.close();
            angles.close();
        });
    }

    /** The configuration it was built from. */
    public LlamaGenConfig config() {
        return config;
    }

    /** Where it computes. */
    public Placement placement() {
        return placement;
    }

    /** An empty cache for a sequence of a whole image; {@code halves} is 2 with guidance, else 1. */
    public KvCache newCache(int halves) {
        guard.require();
        try (PassScope scope = new PassScope()) {
            int positions = config.conditions() + config.blockSize();
            return new KvCache(
                    placement, config.layers(), halves, positions, config.heads(), config.dim() / config.heads());
        }
    }

    /** Memory for passes of up to {@code rows} rows: halves times positions, summed over the sequences of a pass. */
    public TargetPass newPass(int rows) {
        guard.require();
        try (PassScope scope = new PassScope()) {
            return new TargetPass(
                    this, new Rows(placement, rows, config.dim(), config.heads(), config.feedForward(), rotary));
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
