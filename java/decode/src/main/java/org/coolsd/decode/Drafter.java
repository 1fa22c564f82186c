package org.coolsd.decode;

import org.coolsd.Verifier;

/**
 * Where draft tokens come from: another model, the target's own last pass, or the tokens so far.
 *
 * @param <C> what a sequence is made from
 */
public interface Drafter<C> {
    /**
     * Memory for the drafts of a session's sequences.
     *
     * @param target what is drafted for; a drafter that reads more of it than its logits knows its class
     * @param verifier what the drafts are verified with: its longest draft, sampling, vocabulary and backend
     * @param slots sequences at a time
     * @return a session that the caller closes, before the verifier
     */
    DraftSession<C> open(TargetSession<C> target, Verifier verifier, int slots);

    /** No drafts: the target alone, one token a step. */
    static <C> Drafter<C> none() {
        return (target, verifier, slots) -> new NoDrafts<>();
    }

    /**
     * The target's own last pass: its laws behind the draft that was refused are what the next draft is drawn from (Jacobi
     * decoding, arXiv 2410.01699). It needs no second model. How many tokens ahead is the schedule's draft length.
     */
    static <C> Drafter<C> jacobi() {
        return (target, verifier, slots) -> new JacobiDrafts<>(target, verifier, slots, false);
    }

    /**
     * As {@link #jacobi}, but a token is drawn anew only as far as its law has changed: the old token stays with probability
     * min(1, P_new/P_old) (arXiv 2510.24211), so that the laws behind it change less. For rules that go token by token: a
     * block's outcome depends on the tokens behind it, which could not be kept without a bias.
     */
    static <C> Drafter<C> coupled() {
        return (target, verifier, slots) -> new JacobiDrafts<>(target, verifier, slots, true);
    }

    /**
     * What followed the last time that the sequence had the same {@code length} tokens as now, for tokens that repeat.
     *
     * @param length at least 1
     */
    static <C> Drafter<C> lookup(int length) {
        if (length < 1) {
            throw new IllegalArgumentException("length is " + length + ", it must be at least 1");
        }
        return (target, verifier, slots) -> new LookupDrafts<>(verifier, slots, length);
    }
}
