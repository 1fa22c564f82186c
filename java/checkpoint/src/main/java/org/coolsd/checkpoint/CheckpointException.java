package org.coolsd.checkpoint;

import java.io.IOException;
import java.nio.file.Path;

/** A checkpoint that cannot be read; the message is one line that names the file and what is wrong with it. */
public final class CheckpointException extends IOException {
    private static final long serialVersionUID = 1L;

    /** {@code problem} with {@code file}. */
    public CheckpointException(Path file, String problem) {
        super(file + ": " + problem);
    }

    /** {@code problem} with {@code file}, as another library reported it. */
    public CheckpointException(Path file, String problem, Throwable cause) {
        super(file + ": " + problem, cause);
    }
}
