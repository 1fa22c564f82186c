package org.coolsd.decode;

/** Hears of a request's tokens, on the thread that calls {@link Decoder#step}. What it throws ends its request only. */
@FunctionalInterface
public interface Listener {
    /** Hears nothing. */
    Listener NONE = (position, token) -> {};

    /** The token at {@code position}, from 0, is decided; every one is told once, in order. */
    void decided(int position, int token);
}
