package org.coolsd.bench;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.coolsd.bench.Figure.Bar;
import org.coolsd.bench.Figure.Kind;
import org.coolsd.command.CommandRunner;
import org.coolsd.testing.CommandRun;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code coolsd bench} says to its options, where nothing has to be measured. */
class BenchCommandTest {
    @TempDir
    private Path folder;

    private static CommandRun run(String... arguments) {
        return CommandRun.of(() -> CommandRunner.execute(new BenchCommand(), arguments));
    }

    private static void refused(int code, String words, String... arguments) {
        CommandRun run = run(arguments);
        assertThat(run.error()).startsWith("coolsd: ").contains(words);
        assertThat(run.error().lines()).hasSize(1);
        assertThat(run.code()).isEqualTo(code);
    }

    private Path results(String name, double ratio) throws Exception {
        Machine machine = Machine.describe(folder);
        Figure figure = new Figure("verify: LibTorch", "V = 16", Kind.TIMES, ratio, 0.5, Bar.atLeast(20));
        Measure measure = new Measure("VerifyBenchmark.library", Map.of("vocab", "16"));
        Samples samples = new Samples(new double[][] {{1, 2, 3}}, new double[][] {{0, 0, 0}});
        Path file = folder.resolve(name);
        new ObjectMapper().writeValue(file.toFile(), Results.of(machine, List.of(figure), Map.of(measure, samples)));
        return file;
    }

    @Test
    void wrongUseIsOneLineAndExitCode2() {
        refused(2, "rounds is 0", "--rounds", "0");
        refused(2, "repetitions is 0", "--end-to-end", "--repetitions", "0");
        refused(2, "lengths has 65", "--end-to-end", "--lengths", "5,65");
        refused(2, "batch is 0", "--end-to-end", "--batch", "0");
        refused(2, "--colour", "--colour");
        refused(2, "--compare", "--compare", "a.json");
        refused(2, "--compare", "--full", "--compare", "a.json", "b.json");
        refused(2, "more than once", "--compare", "a", "b", "--compare", "c", "d");
        refused(2, "--rounds", "--rounds", "many");
    }

    @Test
    void failuresAreOneLineAndExitCode1() throws Exception {
        refused(1, "there is no folder", "--json", folder.resolve("none/a.json").toString());
        refused(
                1,
                "no such file",
                "--compare",
                folder.resolve("a").toString(),
                folder.resolve("b").toString());
        Path other = Files.writeString(folder.resolve("other.json"), "{\"images\": 3}");
        refused(1, "not a results file", "--compare", other.toString(), other.toString());
    }

    @Test
    void comparesResultsFiles() throws Exception {
        String before = results("before.json", 30).toString();
        String after = results("after.json", 15).toString();
        CommandRun moved = run("--compare", before, after);
        assertThat(moved.code()).isZero();
        assertThat(moved.out())
                .contains("verify: LibTorch (V = 16): 30.0x -> 15.0x", "1 of 1 figures moved beyond their noise");
        assertThat(run("--compare", before, before).out()).contains("0 of 1 figures moved beyond their noise");
    }

    @Test
    void resultsSurviveTheirFile() throws Exception {
        Results results = Results.read(results("a.json", 30));
        assertThat(results.machine().cores()).isPositive();
        assertThat(results.machine().libtorch()).startsWith("2.");
        assertThat(results.figures().get(0).verdict()).isEqualTo(">= 20.0x  met");
        assertThat(results.timings().get(0).nanoseconds()).isEqualTo(2);
    }

    @Test
    void missedBarsSaySo() {
        assertThat(new Figure("a", "b", Kind.TIMES, 19, 1, Bar.atLeast(20)).verdict())
                .endsWith("MISSED");
        assertThat(new Figure("a", "b", Kind.NANOSECONDS, 301, 1, Bar.atMost(300)).verdict())
                .isEqualTo("<= 300 ns  MISSED");
        assertThat(new Figure("a", "b", Kind.TIMES, 1, 1, null).verdict()).isEmpty();
    }
}
