package org.coolsd.server;

import java.util.Arrays;
import java.util.Queue;
import org.coolsd.decode.Listener;
import org.coolsd.decode.Result;
import org.jspecify.annotations.Nullable;

/** Makes events of what the decoder says of one image, on the decoder's thread. */
final class ImageProgress implements Listener {
    private final int image;
    private final boolean steps;
    private final Queue<ImageEvent> events;
    private final ServerMeters meters;
    private final long arrived = System.nanoTime();
    private long begun;

    // The step that is being told.
    private int position;
    private int[] draft = {};
    private int accepted;
    private double drift;
    private int[] tokens = {};
    private int told;

    /** @param steps whether steps are events, or only the end is */
    ImageProgress(int image, boolean steps, Queue<ImageEvent> events, ServerMeters meters) {
        this.image = image;
        this.steps = steps;
        this.events = events;
        this.meters = meters;
    }

    @Override
    public void begun() {
        begun = System.nanoTime();
        meters.begun();
    }

    @Override
    public void verified(int at, int[] drafted, int count, int kept, double stepDrift) {
        if (steps) {
            position = at;
            draft = Arrays.copyOf(drafted, count);
            accepted = kept;
            drift = stepDrift;
            tokens = new int[kept + 1];
            told = 0;
        }
    }

    @Override
    public void decided(int at, int token) {
        if (!steps) {
            return;
        }
        if (told < tokens.length) {
            tokens[told++] = token;
            if (told == tokens.length) {
                events.add(new ImageEvent.Stepped(image, position, draft, accepted, tokens, drift));
            }
        } else {
            events.add(new ImageEvent.Stepped(image, at, new int[0], 1, new int[] {token}, 0));
        }
    }

    /** The image is over: with a result, or with what ended it. */
    void end(@Nullable Result result, @Nullable Throwable why) {
        long now = System.nanoTime();
        double waited = ((begun == 0 ? now : begun) - arrived) / 1e9;
        double decoded = begun == 0 ? 0 : (now - begun) / 1e9;
        meters.ended(begun != 0, waited, decoded, result);
        events.add(
                result != null
                        ? new ImageEvent.Made(image, result, waited, decoded)
                        : new ImageEvent.Failed(image, why == null ? new IllegalStateException("no result") : why));
    }
}
