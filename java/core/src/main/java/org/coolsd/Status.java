package org.coolsd;

/** What became of one sequence. */
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
    /** On a CUDA device: a draft length below 0 or above L. */
    DRAFT_LENGTH;

    private static final Status[] BY_CODE = values();

    static Status of(int code) {
        return BY_CODE[code];
    }
}
