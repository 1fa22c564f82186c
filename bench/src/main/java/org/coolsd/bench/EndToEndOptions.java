package org.coolsd.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.coolsd.command.EngineOptions;
import org.coolsd.libtorch.LibTorch;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code coolsd bench --end-to-end}: its options, its table. */
final class EndToEndOptions {
    @Option(
            names = "--repetitions",
            paramLabel = "N",
            description = "of --end-to-end: every way N times in turn (default: ${DEFAULT-VALUE})")
    private int repetitions = 20;

    @Option(
            names = "--images",
            paramLabel = "N",
            description = "of --end-to-end: images of a repetition (default: twice the batch, at least 4)")
    private Integer images;

    @Option(
            names = "--lengths",
            paramLabel = "L",
            split = ",",
            description = "of --end-to-end: draft lengths of COOL-SD at delta = 1.1 (default: ${DEFAULT-VALUE})")
    private int[] lengths = {3, 4, 5, 6, 8};

    @Mixin
    private EngineOptions engine;

    /** Measures, prints the table and returns what a results file holds. */
    Map<String, Object> run(Machine machine) throws IOException {
        engine.check();
        engine.require(repetitions >= 1, "repetitions is " + repetitions + ", it must be at least 1");
        engine.require(images == null || images >= 1, "images is " + images + ", it must be at least 1");
        for (int length : lengths) {
            engine.require(length >= 1 && length <= 64, "lengths has " + length + ", it must be 1..64");
        }
        LibTorch.load(1);
        List<DecodingPlan> plans = new ArrayList<>(DecodingPlan.all(lengths, engine.batch(), engine.threads()));
        int each = images == null ? Math.max(4, 2 * engine.batch()) : images;
        List<EndToEnd.Line> lines;
        try (Shipped<?> model = Shipped.load(engine.precision(), engine.placement())) {
            lines = lines(model, plans, each);
        }
        System.err.printf("%-60s\r", "");
        print(lines);
        System.out.printf("%d repetitions of %d images; %s; %s%n", repetitions, each, engine, machine);
        Map<String, Object> results = new LinkedHashMap<>();
        results.put("machine", machine);
        results.put("engine", engine.toString());
        results.put("openblas", System.getenv().getOrDefault("OPENBLAS_CORETYPE", "detected"));
        results.put("lines", lines);
        return results;
    }

    private <C> List<EndToEnd.Line> lines(Shipped<C> model, List<DecodingPlan> plans, int each) {
        try (EndToEnd<C> endToEnd = new EndToEnd<>(model, plans, each)) {
            return endToEnd.run(repetitions, said -> System.err.printf("%-60s\r", said));
        }
    }

    private static void print(List<EndToEnd.Line> lines) {
        System.out.println(
                "| way | tokens/s (quartiles) | speed-up (quartiles) | images/s | accepted length | drift | draft |"
                        + " target | rest |");
        System.out.println("|---|---|---|---:|---:|---:|---:|---:|---:|");
        for (EndToEnd.Line line : lines) {
            double[] t = line.tokensPerSecond();
            double[] s = line.speedUp();
            double[] part = line.shares();
            System.out.printf(
                    Locale.ROOT,
                    "| %s | %.0f (%.0f to %.0f) | %.2f (%.2f to %.2f) | %.1f | %.2f | %.1f | %.0f %% | %.0f %% | %.1f %% |%n",
                    line.name(),
                    t[1],
                    t[0],
                    t[2],
                    s[1],
                    s[0],
                    s[2],
                    line.imagesPerSecond(),
                    line.acceptedLength(),
                    line.driftPerImage(),
                    100 * part[0],
                    100 * part[1],
                    100 * part[2]);
        }
    }
}
