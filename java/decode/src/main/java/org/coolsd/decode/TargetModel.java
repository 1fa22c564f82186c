package org.coolsd.decode;

/**
 * The model whose law is decoded.
 *
 * @param <C> what a sequence is made from: a class, a caption, tokens
 */
public interface TargetModel<C> {
    /** Vocabulary size V. */
    int vocab();

    /**
     * Memory for sequences that are decoded side by side.
     *
     * @param slots sequences at a time
     * @param longestRun draft tokens that one {@link TargetSession#score} may bring for a sequence
     * @return a session that the caller closes
     */
    TargetSession<C> open(int slots, int longestRun);
}
