package org.coolsd.checkpoint;

import java.io.FileNotFoundException;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFileAttributeView;
import java.util.concurrent.ThreadLocalRandom;

/**
 * The one way in which files are written: they appear whole or not at all, written beside their place, flushed to the disk,
 * then moved there. A new file has the mode that the umask gives, an existing one keeps its own.
 *
 * <p>A symbolic link is followed: the file it points to is replaced, the link stays. What is no file is written to in place:
 * a device, a FIFO, and everything under {@code /dev} and {@code /proc}, such as {@code /dev/stdout}.
 */
public final class AtomicFile {
    /** Links that are followed before they are taken for a circle. */
    private static final int MOST_LINKS = 40;

    /** Writes the content. */
    @FunctionalInterface
    public interface Content {
        /** Writes everything to {@code out}, which the caller closes. */
        void writeTo(OutputStream out) throws IOException;
    }

    private AtomicFile() {}

    /**
     * Writes {@code file}; whatever stood there stays until the new content is complete.
     *
     * @throws FileNotFoundException in one line, if there is no place for it
     */
    public static void write(Path file, Content content) throws IOException {
        requireWritable(file);
        Path place = followed(file);
        if (isStream(place)) {
            try (OutputStream out = Files.newOutputStream(place, StandardOpenOption.WRITE, StandardOpenOption.APPEND)) {
                content.writeTo(out);
            }
            return;
        }
        Path folder = place.toAbsolutePath().getParent();
        Path part = null;
        try (FileChannel channel = FileChannel.open(part = newPart(folder, place), StandardOpenOption.WRITE)) {
            OutputStream out = new Unclosed(Channels.newOutputStream(channel));
            content.writeTo(out);
            out.flush();
            keepMode(place, part);
            channel.force(true);
            Files.move(part, place, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            if (part != null) {
                Files.deleteIfExists(part);
            }
        }
        flush(folder);
    }

    /** A writer may close what it was given; the channel is flushed to the disk after that. */
    private static final class Unclosed extends FilterOutputStream {
        Unclosed(OutputStream out) {
            super(out);
        }

        @Override
        public void write(byte[] bytes, int from, int n) throws IOException {
            out.write(bytes, from, n);
        }

        @Override
        public void close() throws IOException {
            flush();
        }
    }

    /** A new empty file beside {@code place}, with the mode that the umask gives: a temporary file's would be its owner's. */
    private static Path newPart(Path folder, Path place) throws IOException {
        while (true) {
            long some = ThreadLocalRandom.current().nextLong() & Long.MAX_VALUE;
            try {
                return Files.createFile(folder.resolve(place.getFileName() + "." + some + ".part"));
            } catch (FileAlreadyExistsException e) {
                // Another name then.
            }
        }
    }

    private static void keepMode(Path place, Path part) throws IOException {
        if (Files.exists(place) && Files.getFileStore(place).supportsFileAttributeView(PosixFileAttributeView.class)) {
            Files.setPosixFilePermissions(part, Files.getPosixFilePermissions(place));
        }
    }

    /** The move itself is on the disk once its folder is. */
    private static void flush(Path folder) throws IOException {
        try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    /** Where links lead; it need not exist. What is under /dev or /proc is left as it is. */
    private static Path followed(Path file) throws IOException {
        Path at = file;
        for (int i = 0; i < MOST_LINKS; i++) {
            if (isSystem(at) || !Files.isSymbolicLink(at)) {
                return at;
            }
            at = at.resolveSibling(Files.readSymbolicLink(at)).normalize();
        }
        throw new FileNotFoundException(file + ": more than " + MOST_LINKS + " symbolic links, or a circle of them");
    }

    private static boolean isSystem(Path place) {
        Path absolute = place.toAbsolutePath().normalize();
        return absolute.startsWith("/dev") && !absolute.startsWith("/dev/shm") || absolute.startsWith("/proc");
    }

    private static boolean isStream(Path place) {
        return Files.exists(place) && !Files.isDirectory(place) && (isSystem(place) || !Files.isRegularFile(place));
    }

    /**
     * Says early that a long computation would have nowhere to put its result.
     *
     * @throws FileNotFoundException in one line
     */
    public static void requireWritable(Path file) throws FileNotFoundException {
        Path place;
        try {
            place = followed(file);
        } catch (FileNotFoundException e) {
            throw e;
        } catch (IOException e) {
            throw new FileNotFoundException(file + ": " + e.getMessage());
        }
        Path folder = place.toAbsolutePath().getParent();
        if (folder == null || Files.isDirectory(place)) {
            throw new FileNotFoundException(file + ": is a folder");
        }
        if (isStream(place)) {
            if (!Files.isWritable(place)) {
                throw new FileNotFoundException(file + ": cannot be written to");
            }
            return;
        }
        if (!Files.isDirectory(folder)) {
            throw new FileNotFoundException(file + ": there is no folder " + folder);
        }
        if (!Files.isWritable(folder)) {
            throw new FileNotFoundException(file + ": cannot write to the folder " + folder);
        }
    }
}
