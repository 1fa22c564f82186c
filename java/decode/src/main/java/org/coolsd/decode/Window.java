package org.coolsd.decode;

import org.coolsd.Sampling;

/**
 * The tokens [from, to) that may stand at a position.
 *
 * @param from first token
 * @param to token behind the last; 0 with from 0 means all
 */
public record Window(int from, int to) {
    /** The whole vocabulary. */
    public static final Window ALL = new Window(0, 0);

    /** Checks that it holds a token. */
    public Window {
        if (!(from == 0 && to == 0) && (from < 0 || from >= to)) {
            throw new IllegalArgumentException("window is [" + from + ", " + to + "), it must hold a token");
        }
    }

    /** This token and no other. */
    public static Window forced(int token) {
        return new Window(token, token + 1);
    }

    /** Whether it holds one token only. */
    public boolean isForced() {
        return to - from == 1;
    }

    /** Whether {@code token} is in it. */
    public boolean holds(int token) {
        return to == 0 || from <= token && token < to;
    }

    /**
     * The sampling with its window cut to this one.
     *
     * @throws IllegalArgumentException if they have no token in common
     */
    Sampling cut(Sampling sampling) {
        if (to == 0) {
            return sampling;
        }
        boolean all = sampling.windowTo() == 0;
        int low = all ? from : Math.max(from, sampling.windowFrom());
        int high = all ? to : Math.min(to, sampling.windowTo());
        if (low >= high) {
            throw new IllegalArgumentException("the model allows [" + from + ", " + to + "), which has no token of the"
                    + " request's window [" + sampling.windowFrom() + ", " + sampling.windowTo() + ")");
        }
        return sampling.window(low, high);
    }
}
