package org.coolsd.models.decoder;

import org.coolsd.decode.Window;

/**
 * What a family's sequences begin with and what may stand in them. Called by one thread at a time for each session.
 *
 * @param <C> what a sequence is made from
 */
public interface Conditioning<C> {
    /** Positions of the longest prefix that {@link #prefix} makes. */
    int longestPrefix();

    /** The most tokens that a sequence can have, forced ones included. */
    int longestSequence();

    /**
     * The prefix of a branch, made inside of a {@link org.coolsd.libtorch.PassScope}.
     *
     * @param conditional false for the unconditional branch of guidance
     * @throws IllegalArgumentException in one line, if no sequence is made from {@code condition}
     */
    Prefix prefix(C condition, boolean conditional);

    /** Whether both branches of every sequence have prefixes of one length, so that they are computed side by side. */
    default boolean evenBranches() {
        return true;
    }

    /** Rotary position of the first position of a branch; where a position's is below 0, it is 0. */
    default int turn(int prefixLength) {
        return 0;
    }

    /** The most forced tokens in a row. */
    default int longestForced() {
        return 0;
    }

    /**
     * What may stand at a position: see {@link org.coolsd.decode.TargetSession#allowed}.
     *
     * @param tokens the first {@code committed} are the sequence so far
     * @param position of the generated token, from 0
     */
    default Window allowed(C condition, int[] tokens, int committed, int position) {
        return Window.ALL;
    }
}
