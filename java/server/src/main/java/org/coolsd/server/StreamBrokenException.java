package org.coolsd.server;

/** A stream ended with an error, which it has told already. */
final class StreamBrokenException extends Exception {
    private static final long serialVersionUID = 1;

    private final ApiError why;

    StreamBrokenException(ApiError why) {
        super(why.getMessage(), why);
        this.why = why;
    }

    ApiError why() {
        return why;
    }
}
