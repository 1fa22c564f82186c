package org.coolsd.server;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * The tokens so far of a job's images, and which pictures of them are due: with N partial pictures, one whenever another N + 1st
 * of the tokens is there, the last of which is the complete image's.
 *
 * @param <C> what a sequence is made from
 */
final class PartialImages<C> {
    private final ImageEngine<C> engine;
    private final ImageJob<C> job;
    private final int[][] tokens;
    private final int[] counts;
    private final int[] sent;

    PartialImages(ImageEngine<C> engine, ImageJob<C> job) {
        this.engine = engine;
        this.job = job;
        tokens = new int[job.count()][];
        for (int i = 0; i < tokens.length; i++) {
            tokens[i] = new int[job.request(i).length()];
        }
        counts = new int[job.count()];
        sent = new int[job.count()];
    }

    /** Takes the tokens of a step; returns the cell of the picture that its first one stands for. */
    int take(ImageEvent.Stepped step) {
        int image = step.image();
        int first = engine.cells(job.request(image).condition(), tokens[image], step.position());
        System.arraycopy(step.tokens(), 0, tokens[image], step.position(), step.tokens().length);
        counts[image] = step.position() + step.tokens().length;
        return first;
    }

    /** The PNG that is due of an image, or null. */
    byte @Nullable [] due(int image) throws IOException, InterruptedException {
        int length = tokens[image].length;
        long parts = job.asked().partials() + 1L;
        // A step may pass several marks; one picture stands for all of them.
        int passed = (int) Math.min(parts - 1, counts[image] * parts / length);
        if (passed <= sent[image] || counts[image] == length) {
            return null;
        }
        sent[image] = passed;
        return engine.png(job.request(image).condition(), tokens[image].clone(), counts[image]);
    }

    /** Marks that the pictures sent of an image have passed. */
    int sent(int image) {
        return sent[image];
    }
}
