package org.coolsd.images.decoding;

import java.util.Objects;

/**
 * How a decoder goes about its work. Batch and threads change no image's law. Draft lengths change none either under
 * lossless schedules; under relaxed ones they decide which factors tokens meet, so the law is another one, whose drift is
 * reported like any other's.
 *
 * @param batch images decoded side by side, at least 1
 * @param threads at least 1; two threads share a guided image, its conditional and its unconditional half, or the images
 *     of a batch
 * @param draftLength how many tokens a step drafts, up to the schedule's draft length
 */
public record DecoderOptions(int batch, int threads, DraftLength draftLength) {
    /** Refuses what makes no sense. */
    public DecoderOptions {
        if (batch < 1) {
            throw new IllegalArgumentException("batch is " + batch + ", it must be at least 1");
        }
        Objects.requireNonNull(draftLength, "draftLength");
        if (threads < 1) {
            throw new IllegalArgumentException("threads is " + threads + ", at least 1 is needed");
        }
    }

    /** One image, one thread, the schedule's draft length. */
    public static DecoderOptions of() {
        return new DecoderOptions(1, 1, DraftLength.fixed());
    }

    /** With {@code images} side by side. */
    public DecoderOptions batch(int images) {
        return new DecoderOptions(images, threads, draftLength);
    }

    /** With {@code n} threads. */
    public DecoderOptions threads(int n) {
        return new DecoderOptions(batch, n, draftLength);
    }

    /** With draft lengths decided by {@code decisions}. */
    public DecoderOptions draftLength(DraftLength decisions) {
        return new DecoderOptions(batch, threads, decisions);
    }
}
