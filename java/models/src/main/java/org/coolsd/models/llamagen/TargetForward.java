package org.coolsd.models.llamagen;

import org.coolsd.decode.TargetModel;
import org.coolsd.libtorch.OwnedTensors;
import org.coolsd.libtorch.PassScope;
import org.coolsd.libtorch.Placement;
import org.coolsd.libtorch.Precision;
import org.coolsd.libtorch.Rotary;
import org.coolsd.libtorch.Weights;
import org.coolsd.models.decoder.Conditioning;
import org.coolsd.models.decoder.DecoderForward;
import org.coolsd.models.decoder.DecoderTarget;
import org.coolsd.models.decoder.Prefix;

/**
 * LlamaGen's GPT for decoding: its weights, prepared for passes of few rows, and what sequences begin with.
 *
 * <p>Shared by any number of threads.
 */
public final class TargetForward implements AutoCloseable {
    private final LlamaGenConfig config;
    private final DecoderForward decoder;
    private final Conditioning<?> conditioning;
    private final OwnedTensors owned = new OwnedTensors();

    /** @throws IllegalArgumentException if {@code weights} do not fit {@code config}; the message names the tensor */
    public TargetForward(LlamaGenConfig config, Weights weights, Precision precision, Placement placement) {
        this.config = config;
        LlamaGenTensors tensors = new LlamaGenTensors(config, weights);
        try (PassScope scope = new PassScope()) {
            conditioning = config.captions()
                    ? new CaptionConditioning(config, tensors, placement, owned)
                    : new ClassConditioning(config);
            decoder = new DecoderForward(
                    config.shape(),
                    tensors,
                    rotary(config),
                    config.conditions() + config.blockSize(),
                    precision,
                    placement);
        } catch (RuntimeException | Error e) {
            owned.close();
            throw e;
        }
    }

    /** One position that is not turned, which all condition positions are, then the cells of the image. */
    static Rotary rotary(LlamaGenConfig config) {
        return Rotary.grid(config.grid(), 1, config.dim() / config.heads(), config.ropeBase());
    }

    /** The configuration it was built from. */
    public LlamaGenConfig config() {
        return config;
    }

    /** Its weights for passes. */
    public DecoderForward decoder() {
        return decoder;
    }

    /** Where it computes. */
    public Placement placement() {
        return decoder.placement();
    }

    /**
     * What sequences made from classes begin with.
     *
     * @throws IllegalArgumentException if this model makes images from captions
     */
    public Conditioning<Integer> classes() {
        if (conditioning instanceof ClassConditioning classes) {
            return classes;
        }
        throw new IllegalArgumentException("this model makes images from captions, not from classes");
    }

    /**
     * What sequences made from captions begin with.
     *
     * @throws IllegalArgumentException if this model makes images from classes
     */
    CaptionConditioning captions() {
        if (conditioning instanceof CaptionConditioning captions) {
            return captions;
        }
        throw new IllegalArgumentException("this model makes images from classes, not from captions");
    }

    /**
     * What a branch begins with, made inside of a {@link PassScope}.
     *
     * @param conditional false for the unconditional branch of guidance
     * @throws IllegalArgumentException if the model cannot read {@code caption}
     */
    public Prefix prefix(Caption caption, boolean conditional) {
        return captions().prefix(caption, conditional);
    }

    /**
     * This model as a target of the decoding loop, whose sequences are made from captions.
     *
     * @param guided whether sequences have an unconditional branch: where guidance is other than 1
     * @param threads at least 1
     * @throws IllegalArgumentException if this model makes images from classes
     */
    public TargetModel<Caption> captions(boolean guided, int threads) {
        return new DecoderTarget<>(decoder, captions(), guided, threads);
    }

    /**
     * Frees the weights.
     *
     * @throws IllegalStateException if a decoder of it is open
     */
    @Override
    public void close() {
        decoder.close();
        owned.close();
    }
}
