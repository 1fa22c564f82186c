package org.coolsd;

/** What became of one sequence; the others of a batch are as if it were not there. In the order of coolsd_row_status. */
public enum Status {
    /** Tokens were drawn. */
    OK,
    /** A logit that was read is NaN. */
    NAN,
    /** A logit that was read is +inf. */
    INFINITE,
    /** A row, or its window, is -inf throughout. */
    EMPTY,
    /** A draft token is negative or not below the vocabulary size. */
    TOKEN_OUT_OF_RANGE,
    /** A draft normaliser does not belong to its row: the row was changed after the token was sampled. */
    NORMALISER,
    /** A draft length below 0 or above L. */
    DRAFT_LENGTH,
    /** A sampling of the sequence's own that is out of range, such as a window beyond the vocabulary. */
    SAMPLING,
    /** A factor or drift budget of the sequence's own that is negative, NaN or infinite. */
    FACTOR;

    private static final Status[] BY_CODE = values();

    static Status of(int code) {
        return BY_CODE[code];
    }
}
