package org.coolsd.models.eagle;

import org.coolsd.libtorch.Rotary;
import org.coolsd.models.decoder.Prefix;

/**
 * How a family's EAGLE drafter reads a sequence. It reads all of the target's positions but for the first, each with the
 * feature of the one before it: the prefix' positions 1 and on, then the tokens.
 */
public interface EagleInput {
    /** The rotary embedding of the sequence's positions; the caller closes it. */
    Rotary rotary();

    /** Positions of the longest sequence that the drafter reads. */
    int longest();

    /** Positions of the target's longest prefix. */
    int longestPrefix();

    /** The row of {@link EagleWeights#embedding} that a token of the decoding loop reads. */
    long row(int token);

    /** The row that position {@code position} of a prefix reads, from 1 on. */
    long prefixRow(Prefix prefix, int position);

    /** Rotary position of the drafter's first position; where a position's is below 0, it is 0. */
    int turn(int prefixLength);
}
