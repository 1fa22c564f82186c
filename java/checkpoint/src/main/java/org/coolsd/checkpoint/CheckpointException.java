package org.coolsd.checkpoint;

import java.io.IOException;
import java.nio.file.Path;

/** A checkpoint that cannot be read; the message is one line that names the file and what is wrong with it. */
public final class CheckpointException extends IOException {
    private static final long serialVersionUID = 1L;

    /** {@code problem} with {@code file}. */
    public CheckpointException(Path file, String problem) {
        super(file + ": " + line(problem));
    }

    /** {@code problem} with {@code file}, as another library reported it. */
    public CheckpointException(Path file, String problem, Throwable cause) {
        super(file + ": " + line(problem), cause);
    }

    /** One printable line of at most 500 characters: problems quote names that damaged files hold. */
    private static String line(String problem) {
        String printable = problem.replaceAll("[\\p{Cntrl}\\u2028\\u2029]+", "?");
        return printable.length() <= 500 ? printable : printable.substring(0, 500) + "...";
    }
}
