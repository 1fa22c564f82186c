package org.coolsd.command;

import java.io.IOException;
import java.util.Locale;
import java.util.OptionalLong;

/**
 * The memory that something takes, and what is there.
 *
 * @param what the subject of the sentence that says so
 * @param needed bytes
 * @param there bytes; empty where the system does not say
 */
public record MemoryNeed(String what, long needed, OptionalLong there) {
    /** From so many bytes on it is worth a line before a wait. */
    private static final long LARGE = 500_000_000;

    /** With what is there now. */
    public static MemoryNeed of(String what, long needed) {
        return new MemoryNeed(what, needed, AvailableMemory.bytes());
    }

    /** The need and what is there, in one line. */
    public String line() {
        return what + " needs " + text(needed) + " of memory, "
                + (there.isPresent()
                        ? text(there.getAsLong()) + " are there"
                        : "how much is there the system does not say");
    }

    /**
     * Says the line on standard error where the need is large.
     *
     * @throws IOException with the line, if there is not enough
     */
    public void require() throws IOException {
        if (there.isPresent() && needed > there.getAsLong()) {
            throw new IOException(line() + "; it cannot be loaded");
        }
        if (needed >= LARGE) {
            System.err.println(line());
        }
    }

    /** A number of bytes as people read it. */
    public static String text(long bytes) {
        double gb = bytes / 1e9;
        if (gb >= 10) {
            return String.format(Locale.ROOT, "%.0f GB", gb);
        }
        return gb >= 1 ? String.format(Locale.ROOT, "%.1f GB", gb) : String.format(Locale.ROOT, "%.1f MB", bytes / 1e6);
    }
}
