package org.coolsd.images;

import java.util.ArrayList;
import java.util.List;
import org.coolsd.Backend;
import org.coolsd.Sampling;
import org.coolsd.decode.Decoder;
import org.coolsd.decode.DecoderOptions;
import org.coolsd.decode.Drafter;
import org.coolsd.decode.Listener;
import org.coolsd.decode.Request;
import org.coolsd.decode.Ticket;
import org.coolsd.models.llamagen.LlamaGenTarget;

/**
 * Decodes image requests with one sampling: a {@link Decoder} of a model's parts, made by {@link ImageModel#decoder}. Requests
 * come from any thread, steps from one at a time; what goes wrong with one image ends that one only.
 */
public final class ImageDecoder implements AutoCloseable {
    private final Decoder<Integer> decoder;
    private final Sampling sampling;
    private final Backend backend;
    private final int tokensPerImage;

    ImageDecoder(LlamaGenTarget target, Drafter<Integer> drafter, Sampling sampling, DecoderOptions options) {
        this.sampling = sampling;
        backend = options.backend();
        tokensPerImage = target.forward().config().blockSize();
        decoder = new Decoder<>(target, drafter, options);
    }

    /**
     * Lets an image wait for a free slot. From any thread.
     *
     * @param listener hears of its tokens on the thread that calls {@link #step}
     * @throws IllegalStateException if the decoder is closed
     */
    public Ticket submit(ImageRequest request, Listener listener) {
        return decoder.submit(request(request), listener);
    }

    /** What the loop is asked for an image. */
    private Request<Integer> request(ImageRequest image) {
        return Request.of(image.label(), image.seed(), sampling, tokensPerImage);
    }

    /** One step of every image in the batch; returns whether there is anything left to do. One thread at a time. */
    public boolean step() {
        return decoder.step();
    }

    /**
     * Decodes these images and tells of every one what became of it, failed ones included.
     *
     * @param listener hears of the tokens of all of them; what it throws ends the image it was told of
     */
    public Images decode(List<ImageRequest> requests, Listener listener) {
        List<Ticket> tickets = new ArrayList<>(requests.size());
        for (ImageRequest request : requests) {
            tickets.add(submit(request, listener));
        }
        for (Ticket ticket : tickets) {
            while (!ticket.result().isDone()) {
                step();
            }
        }
        return Images.of(tickets);
    }

    /** Decodes these images, and tells nobody of their tokens meanwhile. */
    public Images decode(List<ImageRequest> requests) {
        return decode(requests, Listener.NONE);
    }

    /**
     * The tokens of one image.
     *
     * @return tokens in raster order [blockSize]
     * @throws java.util.concurrent.CompletionException with what ended it, if it could not be made
     */
    public int[] tokens(ImageRequest request) {
        return decoder.decode(List.of(request(request))).get(0).tokens();
    }

    /** Where logits are verified. */
    public Backend backend() {
        return backend;
    }

    /**
     * Ends what is left, and frees everything but the model.
     *
     * @throws IllegalStateException if a step is under way
     */
    @Override
    public void close() {
        decoder.close();
    }
}
