package org.coolsd.server;

/** A stream ended with an error, which it has told already. */
final class StreamBrokenException extends Exception {
    private static final long serialVersionUID = 1;

    StreamBrokenException(ApiError why) {
        super(why.getMessage(), why);
    }
}
