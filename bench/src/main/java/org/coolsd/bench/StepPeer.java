package org.coolsd.bench;

/** Another implementation of a verification, with its own random numbers and the same law. */
interface StepPeer {
    /** Verifies every sequence of the batch once. */
    void verify();

    /** Tokens that the last call accepted of sequence {@code b}, 0..L. */
    int accepted(int b);

    /** The token that the last call drew for sequence {@code b}. */
    int token(int b);
}
