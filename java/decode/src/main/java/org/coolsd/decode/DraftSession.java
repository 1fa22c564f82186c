package org.coolsd.decode;

import org.coolsd.Acceptance;
import org.coolsd.Logits;
import org.coolsd.Sampling;
import org.jspecify.annotations.Nullable;

/**
 * The drafter's memory of the sequences in its slots. For every step of a sequence come {@link #step}; then for each draft
 * token {@link #propose}, {@link #row} and {@link #drawn}; then {@link #rows}, and at last {@link #decided}.
 *
 * <p>A row must be decided before its token is drawn, from nothing but what the sequence's tokens before that position tell,
 * and earlier steps. Then lossless decoding has the target's law, whatever the drafter is.
 *
 * @param <C> what a sequence is made from
 */
public interface DraftSession<C> extends AutoCloseable {
    /** What {@link #token} returns where a token is to be drawn. */
    int DRAW = -1;

    /**
     * Checks that what it drafts can be verified by {@code acceptance}, for a request with a rule of its own.
     *
     * @throws IllegalArgumentException if not, which ends the request
     */
    default void require(Acceptance acceptance) {}

    /** Starts a sequence in {@code slot}, behind {@link TargetSession#begin}. What is thrown ends the request. */
    void begin(int slot, Request<C> request);

    /**
     * A step of {@code slot} begins, with no draft tokens.
     *
     * @param position of the first token of the step, from 0
     * @param sampling how the draft's rows become laws in this step, window included
     */
    void step(int slot, int position, Sampling sampling);

    /**
     * Computes the row of one more draft token for some sequences, in one pass where that is possible.
     *
     * @param slots the first {@code count}, each once
     */
    void propose(int[] slots, int count);

    /** The row [1, V] that {@link #propose} made for {@code slot}; null if the draft is to end here. */
    @SuppressWarnings("exports") // The annotation is for compilers: who uses this module needs not have it.
    @Nullable
    Logits row(int slot);

    /** The token that the drafter has already drawn from {@link #row}'s law by itself, or {@link #DRAW}. */
    default int token(int slot) {
        return DRAW;
    }

    /** The token of the row is {@code token}. */
    void drawn(int slot, int token);

    /** The rows [n, V] of the n tokens drawn in this step, n above 0, unchanged since. */
    Logits rows(int slot);

    /**
     * The step has been verified and its tokens are yet to be committed; the target's logits can still be read.
     *
     * @param accepted how many of the draft's tokens stay
     * @param tokens the first {@code count} are what the step yields
     */
    void decided(int slot, int[] tokens, int count, int accepted);

    /** The model forced the token at {@code position}, between two steps. */
    default void forced(int slot, int position, int token) {}

    /** The sequence in {@code slot} is over. */
    default void end(int slot) {}

    @Override
    void close();
}
