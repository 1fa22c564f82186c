package org.coolsd.arrays;

/**
 * An engine that computes one token after the other over arrays, with a cache by position: a token that is passed at a
 * position replaces what the cache held there, and what is behind it is not looked at.
 *
 * @param <C> what a sequence is made from
 * @param <S> the memory of one sequence: its caches and buffers
 */
public interface ArrayEngine<C, S> {
    /** Vocabulary size. */
    int vocab();

    /** Memory of a sequence, which is used for one after the other. */
    S newState();

    /**
     * Passes the condition.
     *
     * @return logits [vocab] of the first token; read before the next call with this state
     */
    float[] begin(S state, C condition);

    /**
     * Passes a token.
     *
     * @param position of the token, from 0 behind the condition
     * @return logits [vocab] of the token behind it, likewise
     */
    float[] next(S state, int token, int position);
}
