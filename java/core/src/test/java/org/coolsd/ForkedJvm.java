package org.coolsd;

import java.io.File;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.javacpp.Pointer;

/** A JVM of its own: for what a test can do to a process once, and for settings that count from the start. */
final class ForkedJvm {
    /** @param text standard output and error */
    record Result(int exitCode, String text) {}

    private ForkedJvm() {}

    static Path classes() {
        return location(Verifier.class);
    }

    static Path javacpp() {
        return location(Pointer.class);
    }

    private static Path location(Class<?> type) {
        try {
            return Path.of(
                    type.getProtectionDomain().getCodeSource().getLocation().toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Copies the classes without the native libraries, as coolsd-core's jar has them. */
    static Path classesOnly(Path folder) throws IOException {
        Path from = classes();
        try (var files = Files.walk(from)) {
            for (Path file : files.filter(f -> f.toString().endsWith(".class")).toList()) {
                Path to = folder.resolve(from.relativize(file).toString());
                Files.createDirectories(to.getParent());
                Files.copy(file, to);
            }
        }
        return folder;
    }

    /** Runs {@code main}, a class of these tests, with the library's classes at {@code core}. */
    static Result run(Class<?> main, Path core, List<String> options, String... arguments)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(options);
        command.add("-cp");
        command.add(String.join(
                File.pathSeparator,
                core.toString(),
                location(main).toString(),
                javacpp().toString()));
        command.add(main.getName());
        command.addAll(Arrays.asList(arguments));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String text = new String(process.getInputStream().readAllBytes());
        return new Result(process.waitFor(), text);
    }
}
