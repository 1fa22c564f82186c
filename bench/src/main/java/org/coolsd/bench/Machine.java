package org.coolsd.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.coolsd.internal.NativeLibrary;
import org.coolsd.internal.binding.Native;

/**
 * Where and of what figures were taken.
 *
 * @param cpu the processor's model name, family and model
 * @param cores that the JVM sees
 * @param simd the instruction set that the library chose, as Highway names it
 * @param jdk version
 * @param kernel name and version
 * @param coolsd version of the native library
 * @param libtorch version of the JavaCPP preset
 * @param commit of the working tree, with "-dirty" if it was changed; "unknown" outside one
 */
record Machine(
        String cpu, int cores, String simd, String jdk, String kernel, String coolsd, String libtorch, String commit) {
    private static final Path CPUINFO = Path.of("/proc/cpuinfo");

    /** This machine, and the working tree in folder {@code home}. */
    static Machine describe(Path home) throws IOException {
        NativeLibrary.require();
        int version = Native.coolsd_version();
        return new Machine(
                cpuName(),
                Runtime.getRuntime().availableProcessors(),
                Native.coolsd_simd().getString(),
                Runtime.version().toString(),
                System.getProperty("os.name") + " " + System.getProperty("os.version"),
                version / 10000 + "." + version / 100 % 100 + "." + version % 100,
                libtorchVersion(),
                commit(home));
    }

    private static String cpuName() throws IOException {
        if (!Files.exists(CPUINFO)) {
            return System.getProperty("os.arch");
        }
        Map<String, String> first = new HashMap<>();
        try (Stream<String> lines = Files.lines(CPUINFO)) {
            lines.takeWhile(line -> !line.isBlank()).forEach(line -> {
                String[] parts = line.split("\\s*:\\s*", 2);
                first.put(parts[0], parts[parts.length - 1]);
            });
        }
        String name = first.getOrDefault("model name", System.getProperty("os.arch"));
        // Virtual machines hide the model; its family remains.
        String family = first.get("cpu family");
        return family == null ? name : name + " (family " + family + ", model " + first.get("model") + ")";
    }

    private static String libtorchVersion() throws IOException {
        String properties = "/META-INF/maven/org.bytedeco/pytorch/pom.properties";
        try (var in = Machine.class.getResourceAsStream(properties)) {
            Properties found = new Properties();
            if (in != null) {
                found.load(in);
            }
            return found.getProperty("version", "unknown");
        }
    }

    private static String commit(Path home) throws IOException {
        try {
            Process git = new ProcessBuilder("git", "describe", "--always", "--dirty", "--exclude=*")
                    .directory(home.toFile())
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            String said = new String(git.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
            boolean done = git.waitFor(10, TimeUnit.SECONDS) && git.exitValue() == 0;
            return done && !said.isEmpty() ? said : "unknown";
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return "unknown";
        } catch (IOException e) {
            return "unknown";
        }
    }

    @Override
    public String toString() {
        return cpu + ", " + cores + " cores, " + simd + ", JDK " + jdk + ", " + kernel + ", coolsd " + coolsd + " at "
                + commit + ", LibTorch " + libtorch;
    }
}
