package org.coolsd;

/** What a token is sampled for; each purpose has its own random numbers and its own sampling. */
public enum Purpose {
    /** A draft token, with the draft's sampling. */
    DRAFT(0),
    /** A token of the target alone, with the target's sampling. */
    BONUS(3);

    private final int code;

    Purpose(int code) {
        this.code = code;
    }

    int code() {
        return code;
    }
}
