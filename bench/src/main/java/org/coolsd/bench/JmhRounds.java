package org.coolsd.bench;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.coolsd.command.Progress;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.BenchmarkResult;
import org.openjdk.jmh.results.IterationResult;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/**
 * Measures with JMH, every measurement in a process of its own. All of them are taken once before any is taken again, so
 * that a slow minute of the machine falls on both sides of a ratio.
 *
 * @param rounds how often each is taken, at least 1
 * @param iterations of each round
 * @param time of an iteration
 */
record JmhRounds(int rounds, int iterations, TimeValue time) {
    private static final String BYTES = "gc.alloc.rate.norm";

    /**
     * Measures all and says how far it is.
     *
     * @throws RunnerException if a benchmark fails; the message is its cause
     */
    Map<Measure, Samples> run(Set<Measure> measures) throws RunnerException {
        Map<Measure, Samples> measured = new LinkedHashMap<>();
        try (Progress bar = Progress.of("bench", (long) rounds * measures.size())) {
            for (int round = 0; round < rounds; round++) {
                for (Measure measure : measures) {
                    bar.message(measure.benchmark());
                    measured.merge(measure, run(measure), Samples::and);
                    bar.stepBy(1);
                }
            }
        }
        return measured;
    }

    private Samples run(Measure measure) throws RunnerException {
        String name = Plan.class.getPackageName() + "." + measure.benchmark();
        ChainedOptionsBuilder options = new OptionsBuilder()
                .include("^" + name.replace(".", "\\.") + "$")
                .addProfiler(GCProfiler.class)
                .measurementIterations(iterations)
                .measurementTime(time)
                .verbosity(VerboseMode.SILENT)
                .shouldFailOnError(true);
        measure.params().forEach(options::param);
        Collection<RunResult> results = new Runner(options.build()).run();
        if (results.size() != 1) {
            throw new RunnerException(measure + " is " + results.size() + " benchmarks, it must be one");
        }
        Collection<IterationResult> values = results.iterator().next().getBenchmarkResults().stream()
                .map(BenchmarkResult::getIterationResults)
                .findFirst()
                .orElseThrow();
        double[] nanoseconds = values.stream()
                .mapToDouble(value -> value.getPrimaryResult().getScore())
                .toArray();
        double[] bytes = values.stream().mapToDouble(JmhRounds::bytes).toArray();
        return new Samples(new double[][] {nanoseconds}, new double[][] {bytes});
    }

    private static double bytes(IterationResult iteration) {
        Result<?> bytes = iteration.getSecondaryResults().get(BYTES);
        return bytes == null ? 0 : bytes.getScore();
    }
}
