package org.coolsd.bench;

/** Another implementation of a verification, with the same law; it draws tokens with random numbers of its own. */
interface StepPeer {
    /** Verifies the draft of a turn, of every sequence once. */
    void verify(int turn);

    /** Tokens that the last call accepted of sequence {@code b}, 0..L. */
    int accepted(int b);

    /** The token that the last call drew for sequence {@code b}. */
    int token(int b);
}
