package org.coolsd.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What becomes of a file's place: its mode, and what is no file. */
class AtomicFileTest {
    @TempDir
    private Path folder;

    private static void put(Path file, String text) throws IOException {
        AtomicFile.write(file, out -> out.write(text.getBytes(StandardCharsets.UTF_8)));
    }

    private static String mode(Path file) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(file));
    }

    /** Run under another umask, since a process has but one: {@link #main} writes the file. */
    @Test
    void newFilesHaveTheModeThatTheUmaskGives() throws Exception {
        assertThat(modeUnder("022")).isEqualTo("rw-r--r--");
        assertThat(modeUnder("027")).isEqualTo("rw-r-----");
        assertThat(modeUnder("077")).isEqualTo("rw-------");
    }

    private String modeUnder(String umask) throws Exception {
        Path file = folder.resolve("under" + umask);
        Process java = new ProcessBuilder(
                        "sh",
                        "-c",
                        "umask " + umask + " && exec \"$0\" -cp \"$1\" " + AtomicFileTest.class.getName() + " \"$2\"",
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        System.getProperty("java.class.path"),
                        file.toString())
                .inheritIO()
                .start();
        assertThat(java.waitFor()).isZero();
        return mode(file);
    }

    /** Writes the file that is named. */
    public static void main(String[] args) throws IOException {
        put(Path.of(args[0]), "x");
    }

    @Test
    void existingFilesKeepTheirMode() throws Exception {
        for (String mode : List.of("rw-------", "rw-rw-rw-", "rwxr-x--x")) {
            Path file = Files.createFile(folder.resolve(mode));
            Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(mode));
            put(file, "new");
            assertThat(mode(file)).isEqualTo(mode);
            assertThat(file).hasContent("new");
        }
    }

    @Test
    void whatFailsLeavesTheOldFileAndNothingElse() throws Exception {
        Path file = folder.resolve("file");
        put(file, "old");
        assertThatThrownBy(() -> AtomicFile.write(file, out -> {
                    out.write(1);
                    throw new IOException("no more");
                }))
                .hasMessage("no more");
        assertThat(file).hasContent("old");
        try (Stream<Path> all = Files.list(folder)) {
            assertThat(all).containsExactly(file);
        }
    }

    @Test
    void linksAreFollowedAndStay() throws Exception {
        Path deep = Files.createDirectories(folder.resolve("deep"));
        Path link = Files.createSymbolicLink(folder.resolve("link"), Path.of("deep", "second"));
        Files.createSymbolicLink(deep.resolve("second"), Path.of("file"));
        put(link, "through two links");
        assertThat(Files.isSymbolicLink(link)).isTrue();
        assertThat(Files.isSymbolicLink(deep.resolve("second"))).isTrue();
        assertThat(deep.resolve("file")).hasContent("through two links");
        Path circle = Files.createSymbolicLink(folder.resolve("circle"), Path.of("circle"));
        assertThatThrownBy(() -> put(circle, "x"))
                .isInstanceOf(FileNotFoundException.class)
                .hasMessageContaining("circle");
    }

    /** A null device of our own; never the real one. */
    @Test
    void aDeviceStaysADevice() throws Exception {
        Path device = folder.resolve("null");
        Process mknod = new ProcessBuilder("mknod", device.toString(), "c", "1", "3").start();
        assumeThat(mknod.waitFor()).as("only root makes devices").isZero();
        put(device, "gone");
        assertThat(Files.readAttributes(device, java.nio.file.attribute.BasicFileAttributes.class)
                        .isOther())
                .isTrue();
        assertThat(device).exists();
        try (Stream<Path> all = Files.list(folder)) {
            assertThat(all).containsExactly(device);
        }
    }

    @Test
    void aFifoReceivesTheContent() throws Exception {
        Path fifo = folder.resolve("fifo");
        assertThat(new ProcessBuilder("mkfifo", fifo.toString()).start().waitFor())
                .isZero();
        CompletableFuture<String> read = CompletableFuture.supplyAsync(() -> {
            try {
                return Files.readString(fifo);
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        });
        put(fifo, "through the pipe");
        assertThat(read.get(20, TimeUnit.SECONDS)).isEqualTo("through the pipe");
        assertThat(Files.isRegularFile(fifo)).isFalse();
    }

    /** Standard output that goes to a file: what was printed before stays. */
    @Test
    void standardOutputIsPrintedTo() throws Exception {
        Path out = folder.resolve("out");
        Process java = new ProcessBuilder(
                        "sh",
                        "-c",
                        "echo before > \"$2\"; exec \"$0\" -cp \"$1\" " + AtomicFileTest.class.getName()
                                + " /dev/stdout >> \"$2\"",
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        System.getProperty("java.class.path"),
                        out.toString())
                .start();
        assertThat(java.waitFor()).isZero();
        assertThat(out).hasContent("before\nx");
    }

    @Test
    void placesThatCannotBeWrittenToAreNamed() throws Exception {
        assertThatThrownBy(() -> put(folder, "x")).hasMessage(folder + ": is a folder");
        Path nowhere = folder.resolve("no").resolve("file");
        assertThatThrownBy(() -> put(nowhere, "x")).hasMessageContaining("there is no folder");
    }
}
