package org.coolsd.models.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.coolsd.libtorch.LibTorch;
import org.coolsd.libtorch.Precision;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The promise of docs/models.md, on checkpoints of 2 GiB: a process that loads a model has at most 1.1 times its weights and
 * 500 MiB resident at any time, JVM and LibTorch included.
 */
class LoadingMemoryTest {
    private static final long FIXED = 500L << 20;
    private static final long FILE = 1L << 31;

    @TempDir
    Path folder;

    @BeforeAll
    static void load() throws Exception {
        LibTorch.load(1);
    }

    @BeforeEach
    void thereIsRoom() throws Exception {
        Path meminfo = Path.of("/proc/meminfo");
        assumeTrue(Files.exists(meminfo), "skipped: no /proc, which tells the resident memory");
        String available = Files.readAllLines(meminfo).stream()
                .filter(line -> line.startsWith("MemAvailable:"))
                .findFirst()
                .orElse("0");
        long free = Long.parseLong(available.replaceAll("[^0-9]", "")) << 10;
        assumeTrue(free > 2 * FILE, "skipped: " + (free >> 20) + " MiB of memory are there, 4 GiB are needed");
        long disk = Files.getFileStore(folder).getUsableSpace();
        assumeTrue(disk > 2 * FILE, "skipped: " + (disk >> 20) + " MiB of disk are there, 4 GiB may be needed");
    }

    @Test
    void shardsOfBf16LoadAsBf16() throws Exception {
        LargeCheckpoint checkpoint = LargeCheckpoint.llamaGen(37);
        assertThat(2 * checkpoint.parameters()).isGreaterThan(FILE);
        keepsThePromise(checkpoint, checkpoint.writeShards(folder), Precision.BF16, 1);
    }

    @Test
    void archivesOfF32LoadAsBf16() throws Exception {
        LargeCheckpoint checkpoint = LargeCheckpoint.llamaGen(18);
        assertThat(4 * checkpoint.parameters()).isGreaterThan(FILE);
        keepsThePromise(checkpoint, checkpoint.writeArchive(folder), Precision.BF16, 1);
    }

    /** A smaller checkpoint, as FBGEMM packs 60 million elements a second: matrices of f32 that outlive it would be seen. */
    @Test
    void shardsOfBf16LoadAsPackedF16() throws Exception {
        assumeTrue(Precision.fastest() == Precision.F16, "skipped: FBGEMM is not supported on this processor");
        LargeCheckpoint checkpoint = LargeCheckpoint.llamaGen(8);
        long weights = 2 * checkpoint.parameters();
        assertThat(3 * weights).isGreaterThan(weights * 11 / 10 + FIXED);
        keepsThePromise(checkpoint, checkpoint.writeShards(folder), Precision.F16, 1);
    }

    /** Two layers as the 7B model has them, 0.8 GB: either of them whole in f32 would be seen. */
    @Test
    void shardsOfChameleonLoadAsBf16() throws Exception {
        LargeCheckpoint checkpoint = LargeCheckpoint.chameleon(2);
        keepsThePromise(checkpoint, checkpoint.writeShards(folder), Precision.BF16, 1);
    }

    /** What a closed model had is there for the next: three at once would be seen in the peak. */
    @Test
    void closedModelsGiveTheirMemoryBack() throws Exception {
        LargeCheckpoint checkpoint = LargeCheckpoint.llamaGen(8);
        long weights = 2 * checkpoint.parameters();
        assertThat(3 * weights).isGreaterThan(weights * 11 / 10 + FIXED);
        keepsThePromise(checkpoint, checkpoint.writeShards(folder), Precision.BF16, 3);
    }

    private static void keepsThePromise(LargeCheckpoint checkpoint, Path folder, Precision precision, int times)
            throws Exception {
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        // As ./coolsd has it.
                        "-Xms16m",
                        "-Dorg.bytedeco.javacpp.maxPhysicalBytes=0",
                        "-cp",
                        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                        LoadAndReport.class.getName(),
                        folder.toString(),
                        precision.name(),
                        Integer.toString(times))
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        long weights = 2 * checkpoint.parameters();
        long peak = figures(output, "peak").get(0);
        System.out.printf(
                "%s: weights %d MiB, peak %d MiB of %d MiB promised%n%s",
                precision, weights >> 20, peak >> 20, (weights * 11 / 10 + FIXED) >> 20, output);
        assertThat(figures(output, "loaded").get(0)).isGreaterThan(weights);
        assertThat(peak).isLessThan(weights * 11 / 10 + FIXED);
    }

    private static List<Long> figures(String output, String name) {
        return output.lines()
                .filter(line -> line.startsWith(name + " "))
                .map(line -> Long.valueOf(line.substring(name.length() + 1)))
                .toList();
    }
}
