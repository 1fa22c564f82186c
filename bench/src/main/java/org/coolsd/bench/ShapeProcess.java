package org.coolsd.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.coolsd.Sampling;
import org.coolsd.decode.Decoder;
import org.coolsd.decode.DecoderOptions;
import org.coolsd.decode.Drafter;
import org.coolsd.decode.Request;
import org.coolsd.libtorch.LibTorch;
import org.coolsd.libtorch.Placement;
import org.coolsd.libtorch.Precision;
import org.coolsd.models.Checkpoints;
import org.coolsd.models.LoadedTarget;
import org.coolsd.models.Prompt;
import org.coolsd.models.TargetComponent;

/** One model of {@link Shapes} in a process of its own, so that the peak of its memory is the model's. */
final class ShapeProcess {
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();
    private static final int ROUNDS = 3;

    /** Passes of every number of rows in a round, at most; where drafts are accepted there are fewer. */
    private static final int PASSES = 8;

    private ShapeProcess() {}

    /**
     * What was found.
     *
     * @param parameters of the model
     * @param weights bytes in the precision of the run, as check-checkpoint says them
     * @param loadSeconds to load it
     * @param loadPeak most resident memory in bytes until it was loaded
     * @param peak most resident memory in bytes at the end
     * @param millis median processor time of a pass over one sequence, by its rows
     */
    record Found(
            long parameters, long weights, double loadSeconds, long loadPeak, long peak, Map<Integer, Double> millis) {}

    /** @param args folder, precision; the last line printed is a {@link Found} in JSON */
    public static void main(String[] args) throws IOException {
        LibTorch.load(1);
        Precision precision = Precision.valueOf(args[1]);
        long begin = System.nanoTime();
        TargetComponent component =
                (TargetComponent) Checkpoints.find(Path.of(args[0])).get(0);
        try (LoadedTarget<?> loaded = component.load(precision, Placement.cpu())) {
            double seconds = (System.nanoTime() - begin) / 1e9;
            long loadPeak = peak();
            Map<Integer, Double> millis = decode(loaded);
            Found found = new Found(
                    component.summary().parameters(),
                    component.summary().memory().get(precision),
                    seconds,
                    loadPeak,
                    peak(),
                    millis);
            System.out.println(new ObjectMapper().writeValueAsString(found));
        }
    }

    /**
     * Decodes tokens with drafts of every length in turn, so that what else the machine does meets them alike; drafts of a
     * Jacobi iteration cost no pass of their own.
     */
    private static <C> Map<Integer, Double> decode(LoadedTarget<C> loaded) throws IOException {
        Map<Integer, List<Double>> millis = new TreeMap<>();
        C condition = loaded.condition(new Prompt.Label(1));
        for (int round = 0; round < ROUNDS; round++) {
            for (int rows : Shapes.ROWS) {
                List<Double> timed = millis.computeIfAbsent(rows, n -> new ArrayList<>());
                // In time of the thread's processor, which other load does not count in: the model computes in this
                // thread.
                TimedTarget<C> target =
                        new TimedTarget<>(loaded.model(false, 1), THREADS::getCurrentThreadCpuTime, (runs, nanos) -> {
                            if (runs.length(0) + 1 == rows) {
                                timed.add(nanos / 1e6);
                            }
                        });
                Drafter<C> drafter = rows == 1 ? Drafter.none() : Drafter.jacobi();
                DecoderOptions options = DecoderOptions.of(Math.max(1, rows - 1));
                try (Decoder<C> decoder = new Decoder<>(target, drafter, options)) {
                    decoder.decode(List.of(Request.of(condition, round, Sampling.of(), PASSES + rows)));
                }
            }
        }
        Map<Integer, Double> medians = new TreeMap<>();
        millis.forEach((rows, timed) -> medians.put(rows, median(timed)));
        return medians;
    }

    private static double median(List<Double> values) {
        double[] sorted = values.stream().mapToDouble(Double::doubleValue).toArray();
        Arrays.sort(sorted);
        return (sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]) / 2;
    }

    private static long peak() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith("VmHWM:")) {
                return Long.parseLong(line.replaceAll("\\D", "")) << 10;
            }
        }
        throw new IOException("/proc/self/status has no VmHWM: the peak of memory cannot be told");
    }
}
