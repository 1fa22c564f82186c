package org.coolsd.server;

import org.jspecify.annotations.Nullable;

/** The client has closed its connection: there is nobody to answer. */
final class ClientGoneException extends Exception {
    private static final long serialVersionUID = 1;

    ClientGoneException(@Nullable Throwable cause) {
        super("the client is gone", cause);
    }
}
