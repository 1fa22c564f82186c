package org.coolsd.images.decoding;

import java.util.concurrent.CancellationException;

/** Stops what it was given to, from any thread and for good: decoding ends before its next step. */
public final class Cancellation {
    private volatile boolean cancelled;

    /** Nothing is cancelled yet. */
    public Cancellation() {}

    /** Asks to stop. */
    public void cancel() {
        cancelled = true;
    }

    /** Whether it was asked to. */
    public boolean isCancelled() {
        return cancelled;
    }

    void check() {
        if (cancelled) {
            throw new CancellationException("decoding was cancelled");
        }
    }
}
