package org.coolsd.models;

import java.io.IOException;
import org.coolsd.Sampling;
import org.coolsd.decode.Drafter;
import org.coolsd.decode.TargetModel;

/**
 * A model that generates the tokens of images, with its weights. Shared by any number of decoders, which are closed before
 * it.
 *
 * @param <C> what a sequence is made from
 */
public interface LoadedTarget<C> extends AutoCloseable {
    /**
     * The model for the decoding loop.
     *
     * @param guided whether sequences have an unconditional branch: where guidance is other than 1
     * @param threads at least 1
     */
    TargetModel<C> model(boolean guided, int threads);

    /**
     * What a sequence is made from.
     *
     * @throws IllegalArgumentException in one line, if this model makes no images of such a prompt: what it makes them of
     * @throws IOException in one line, if a file of the prompt cannot be read
     */
    C condition(Prompt prompt) throws IOException;

    /** Whether it reads text as a text encoder's embeddings: {@link Prompt.Encoded} in place of {@link Prompt.Text}. */
    default boolean readsEmbeddings() {
        return false;
    }

    /** Classes that {@link Prompt.Label} counts; 0 if this model knows none. */
    default int classes() {
        return 0;
    }

    /** Tokens to generate for an image, forced ones included. */
    int length(C condition);

    /**
     * The codes in the tokens of an image.
     *
     * @param tokens {@link #length} of them
     * @throws IllegalArgumentException in one line, if they are no image
     */
    ImageCodes codes(C condition, int[] tokens);

    /**
     * The codes in the first {@code count} tokens of an image, row by row from the top: fewer than the image has until it is
     * complete.
     */
    int[] firstCodes(C condition, int[] tokens, int count);

    /**
     * Bytes of the keys and values of a batch, where they depend on the size of the images; 0 where what {@link Summary} says
     * of an image is all.
     *
     * @param condition of one of the images; the others are as large
     * @param guided whether sequences have an unconditional branch
     * @param images of the batch
     */
    default long memory(C condition, boolean guided, int images) {
        return 0;
    }

    /** An image as large as those of {@code condition}, of code 0 everywhere. */
    default ImageCodes blank(C condition) {
        return codes(condition, new int[length(condition)]);
    }

    /** How its authors sample unless told otherwise: guidance, temperature and cut-offs. */
    Sampling sampling();

    /**
     * A drafter that reads this model's features; it lives as long as this model, which closes it.
     *
     * @throws IllegalArgumentException in one line, if this model has none of the kind or the drafter is another model's
     * @throws IOException in one line, if a file is damaged or does not fit its configuration
     */
    Drafter<C> eagle(DrafterComponent drafter) throws IOException;

    /**
     * Frees the weights.
     *
     * @throws IllegalStateException if a decoder of it is open
     */
    @Override
    void close();
}
