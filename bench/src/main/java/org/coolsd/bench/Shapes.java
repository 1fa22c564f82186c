package org.coolsd.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.coolsd.bench.ShapeProcess.Found;
import org.coolsd.libtorch.Precision;
import org.coolsd.models.llamagen.LlamaGenConfig;

/**
 * Models of LlamaGen's published sizes with random weights: their memory against the promise of docs/models.md, and what a
 * pass costs by its rows, which tells whether speculation can pay on a machine before anything is trained.
 */
final class Shapes {
    /** Rows of the passes that are timed: positions of one sequence, without guidance. */
    static final int[] ROWS = {1, 2, 4, 8, 16, 32};

    /** Draft lengths that speed-ups are computed for: with guidance their passes have 8, 16 and 32 rows. */
    private static final int[] DRAFTS = {3, 7, 15};

    private static final double[] ACCEPTED = {2, 3, 4, 6};
    private static final long MIB = 1 << 20;

    private Shapes() {}

    /** A published size. */
    enum Size {
        B(768, 12, 12),
        L(1024, 24, 16),
        XL(1280, 36, 20);

        private final int dim;
        private final int layers;
        private final int heads;

        Size(int dim, int layers, int heads) {
            this.dim = dim;
            this.layers = layers;
            this.heads = heads;
        }

        /** Of 256 tokens, an image of 256 x 256 pixels. */
        private LlamaGenConfig config() {
            return new LlamaGenConfig(dim, layers, heads, 256, 10000, 1e-5, 1000, 16384, 1, 256);
        }
    }

    /** What is written of one model in one precision. */
    record Row(Size size, Precision precision, long promised, Found found) {}

    static Map<String, Object> run(Machine machine, List<Size> sizes) throws IOException {
        List<Row> rows = new ArrayList<>();
        for (Size size : sizes) {
            Path folder = Files.createTempDirectory("coolsd-shapes");
            try {
                System.err.println("LlamaGen-" + size + ": making random weights");
                RandomCheckpoint.write(folder, size.config());
                for (Precision precision : new Precision[] {Precision.F16, Precision.BF16}) {
                    System.err.println("LlamaGen-" + size + ", " + precision + ": loading and decoding");
                    Found found = measure(folder, precision);
                    rows.add(new Row(size, precision, found.weights() * 11 / 10 + 500 * MIB, found));
                }
            } finally {
                delete(folder);
            }
        }
        print(rows);
        System.out.println(machine);
        Map<String, Object> results = new LinkedHashMap<>();
        results.put("machine", machine);
        results.put("shapes", rows);
        return results;
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(folder);
    }

    /** Loads and decodes in a process of its own. */
    static Found measure(Path folder, Precision precision) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.add("-Xms16m");
        for (String property : List.of("org.bytedeco.javacpp.cachedir", "org.bytedeco.javacpp.maxPhysicalBytes")) {
            if (System.getProperty(property) != null) {
                command.add("-D" + property + "=" + System.getProperty(property));
            }
        }
        command.addAll(List.of(
                "-cp",
                System.getProperty("java.class.path"),
                ShapeProcess.class.getName(),
                folder.toString(),
                precision.name()));
        Process process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        try {
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (process.waitFor() != 0) {
                throw new IOException("the process of " + folder + " ended with code " + process.exitValue());
            }
            String last = output.lines().reduce((a, b) -> b).orElse("");
            return new ObjectMapper().readValue(last, Found.class);
        } catch (InterruptedException e) {
            process.destroy();
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    private static void print(List<Row> rows) {
        System.out.println(
                "| model | precision | weights MiB | peak MiB, loading | peak MiB, decoding | promised MiB | load s |");
        System.out.println("|---|---|---:|---:|---:|---:|---:|");
        for (Row row : rows) {
            Found found = row.found();
            System.out.printf(
                    Locale.ROOT,
                    "| LlamaGen-%s | %s | %d | %d | %d | %d | %.1f |%n",
                    row.size(),
                    row.precision(),
                    found.weights() / MIB,
                    found.loadPeak() / MIB,
                    found.peak() / MIB,
                    row.promised() / MIB,
                    found.loadSeconds());
        }
        System.out.println();
        line("| ms of one processor per pass |", ROWS, " %d |");
        line("|---|", ROWS, "---:|");
        for (Row row : rows) {
            StringBuilder times = new StringBuilder("| LlamaGen-" + row.size() + ", " + row.precision() + " |");
            for (int n : ROWS) {
                times.append(String.format(
                        Locale.ROOT, " %.1f |", row.found().millis().get(n)));
            }
            System.out.println(times);
        }
        System.out.println();
        System.out.println(
                "| speed-up with guidance, drafts free | L | pays from accepted length | at 2 | at 3 | at 4 | at 6 |");
        System.out.println("|---|---:|---:|---:|---:|---:|---:|");
        for (Row row : rows) {
            for (int drafts : DRAFTS) {
                // A plain pass has 2 rows, one with drafts two for every draft and two more.
                double cost = row.found().millis().get(2 * drafts + 2)
                        / row.found().millis().get(2);
                StringBuilder speed = new StringBuilder(String.format(
                        Locale.ROOT, "| LlamaGen-%s, %s | %d | %.2f |", row.size(), row.precision(), drafts, cost));
                for (double accepted : ACCEPTED) {
                    speed.append(accepted > drafts + 1 ? " |" : String.format(Locale.ROOT, " %.2f |", accepted / cost));
                }
                System.out.println(speed);
            }
        }
    }

    private static void line(String first, int[] rows, String each) {
        StringBuilder line = new StringBuilder(first);
        for (int n : rows) {
            line.append(String.format(Locale.ROOT, each, n));
        }
        System.out.println(line);
    }
}
