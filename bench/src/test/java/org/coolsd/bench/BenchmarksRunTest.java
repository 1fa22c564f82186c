package org.coolsd.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.VerboseMode;

/** Every benchmark method runs once, and what the plans ask for exists. */
class BenchmarksRunTest {
    @Test
    void everyMethodRunsOnce() throws Exception {
        var options = new OptionsBuilder()
                .include("org\\.coolsd\\.bench\\.")
                .forks(0)
                .mode(Mode.SingleShotTime)
                .warmupIterations(0)
                .measurementIterations(1)
                .verbosity(VerboseMode.SILENT)
                .shouldFailOnError(true)
                .param("vocab", "256")
                .param("length", "3")
                .param("batch", "1", "2")
                .param("type", "F32", "BF16")
                .param("topK", "20")
                .build();
        Set<String> ran = new TreeSet<>();
        for (RunResult result : new Runner(options).run()) {
            ran.add(result.getParams()
                    .getBenchmark()
                    .substring(BenchmarksRunTest.class.getPackageName().length() + 1));
            assertThat(result.getPrimaryResult().getScore()).isPositive();
        }
        assertThat(ran).hasSize(21);
        for (Plan plan : List.of(Plan.brief(), Plan.full(), Plan.scaling())) {
            assertThat(ran)
                    .containsAll(
                            plan.measures().stream().map(Measure::benchmark).toList());
        }
    }

    @Test
    void noProcessCountsMemory() throws Exception {
        Set<String> classes = new TreeSet<>(Set.of("EndToEndBenchmark"));
        for (Measure measure : Plan.full().measures()) {
            classes.add(measure.benchmark().split("\\.")[0]);
        }
        for (String name : classes) {
            Class<?> benchmark = Class.forName(BenchmarksRunTest.class.getPackageName() + "." + name);
            assertThat(benchmark.getAnnotation(Fork.class).jvmArgsAppend())
                    .as(name)
                    .contains("-Dorg.bytedeco.javacpp.maxPhysicalBytes=0");
        }
    }

    @Test
    void plansNameEveryParameter() {
        Map<String, Set<String>> wanted = Map.of(
                "VerifyBenchmark", Set.of("vocab", "length", "batch", "type"),
                "CutoffBenchmark", Set.of("vocab", "length", "batch", "type", "topK"),
                "SampleBenchmark", Set.of("vocab", "batch", "type"),
                "JniOverheadBenchmark", Set.of("vocab"));
        for (Measure measure : Plan.full().measures()) {
            String benchmark = measure.benchmark().split("\\.")[0];
            assertThat(measure.params().keySet()).as(measure.toString()).isEqualTo(wanted.get(benchmark));
        }
        assertThat(Plan.full().measures())
                .containsAll(Plan.brief().measures())
                .containsAll(Plan.scaling().measures());
    }
}
