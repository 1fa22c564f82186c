package org.coolsd;

/** The native library refused a call or cannot be used; the message says what and why. */
public final class CoolsdException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** With the native library's words. */
    public CoolsdException(String message) {
        super(message);
    }

    /** With a cause. */
    public CoolsdException(String message, Throwable cause) {
        super(message, cause);
    }
}
