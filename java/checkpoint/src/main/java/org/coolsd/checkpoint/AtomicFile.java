package org.coolsd.checkpoint;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** Files that appear whole or not at all: written beside their place, then moved there. */
public final class AtomicFile {
    /** Writes the content. */
    @FunctionalInterface
    public interface Content {
        /** Writes everything to {@code out}, which the caller closes. */
        void writeTo(OutputStream out) throws IOException;
    }

    private AtomicFile() {}

    /** Writes {@code file}; whatever stood there stays until the new content is complete. */
    public static void write(Path file, Content content) throws IOException {
        requireWritable(file);
        Path part = Files.createTempFile(
                file.toAbsolutePath().getParent(), file.getFileName().toString(), ".part");
        try {
            try (OutputStream out = Files.newOutputStream(part)) {
                content.writeTo(out);
            }
            Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(part);
        }
    }

    /**
     * Says early that a long computation would have nowhere to put its result.
     *
     * @throws FileNotFoundException in one line
     */
    public static void requireWritable(Path file) throws FileNotFoundException {
        Path folder = file.toAbsolutePath().getParent();
        if (folder == null || Files.isDirectory(file)) {
            throw new FileNotFoundException(file + ": is a folder");
        }
        if (!Files.isDirectory(folder)) {
            throw new FileNotFoundException(file + ": there is no folder " + folder);
        }
        if (!Files.isWritable(folder)) {
            throw new FileNotFoundException(file + ": cannot write to the folder " + folder);
        }
    }
}
