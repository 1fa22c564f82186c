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
    TOKEN_OUT_OF_RANGE;

    private static final Status[] BY_CODE = values();

    static Status of(int code) {
        return BY_CODE[code];
    }
}
