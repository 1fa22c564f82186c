package org.coolsd.decode;

/** Hears of a request's tokens, on the thread that calls {@link Decoder#step}. What it throws ends its request only. */
@FunctionalInterface
public interface Listener {
    /** Hears nothing. */
    Listener NONE = (position, token) -> {};

    /** The token at {@code position}, from 0, is decided; every one is told once, in order. */
    void decided(int position, int token);

    /** The request has a slot, and is about to have its first step. */
    default void begun() {}

    /**
     * A step has been verified; its tokens are told next. The first {@code accepted} of its draft stay, and one token more
     * was drawn: behind a rejection in place of the draft's next one, else behind the whole draft.
     *
     * @param position of its first token
     * @param draft the first {@code drafted} are the step's draft; a view that the next step overwrites
     * @param drift sum of D of the step; 0 if it was not asked for
     */
    default void verified(int position, int[] draft, int drafted, int accepted, double drift) {}
}
