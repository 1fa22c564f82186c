package org.coolsd.decode;

import java.util.concurrent.CompletableFuture;

/** A request's place in a decoder. All of it can be called from any thread. */
public final class Ticket {
    private final CompletableFuture<Result> result = new CompletableFuture<>();
    private volatile boolean cancelled;

    Ticket() {}

    /**
     * The request's outcome. It completes on the thread that calls {@link Decoder#step}: exceptionally with what ended the
     * request, or with a CancellationException.
     */
    public CompletableFuture<Result> result() {
        return result;
    }

    /** Ends the request before the decoder's next step; the rest of the batch goes on. Does nothing if it is over. */
    public void cancel() {
        cancelled = true;
    }

    /** Whether {@link #cancel} was called, or the future was completed by others. */
    boolean isOver() {
        return cancelled || result.isDone();
    }
}
