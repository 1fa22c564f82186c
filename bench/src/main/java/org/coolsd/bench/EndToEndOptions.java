package org.coolsd.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.coolsd.command.DraftOptions;
import org.coolsd.command.EngineOptions;
import org.coolsd.images.ImageModel;
import org.coolsd.images.ModelFolder;
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
    private DraftOptions drafts;

    @Mixin
    private EngineOptions engine;

    /** How far ahead --drafters drafts; a usage error if out of range. */
    int window() {
        int length = drafts.length();
        engine.require(length >= 1 && length <= 64, "window is " + length + ", it must be 1..64");
        return length;
    }

    /** Measures, prints the table and returns what a results file holds. */
    Map<String, Object> run(Machine machine) throws IOException {
        engine.check();
        engine.require(repetitions >= 1, "repetitions is " + repetitions + ", it must be at least 1");
        engine.require(images == null || images >= 1, "images is " + images + ", it must be at least 1");
        for (int length : lengths) {
            engine.require(length >= 1 && length <= 64, "lengths has " + length + ", it must be 1..64");
        }
        engine.require(
                drafts.source() != DraftOptions.Source.NONE,
                "--end-to-end compares ways of drafting with plain sampling: --drafter must not be none");
        LibTorch.load(1);
        List<DecodingPlan> plans = new ArrayList<>(DecodingPlan.all(lengths, engine.batch(), engine.threads()));
        // Coupled drafts go token by token.
        plans.removeIf(plan -> drafts.source() == DraftOptions.Source.COUPLED && plan.isBlock());
        int each = images == null ? Math.max(4, 2 * engine.batch()) : images;
        List<EndToEnd.Line> lines;
        try (ImageModel model =
                        ImageModel.load(ModelFolder.open(ModelFolder.SHIPPED), engine.precision(), engine.placement());
                EndToEnd endToEnd = new EndToEnd(model, drafts.drafter(model), plans, each)) {
            lines = endToEnd.run(repetitions, said -> System.err.printf("%-60s\r", said));
        }
        System.err.printf("%-60s\r", "");
        print(lines);
        System.out.printf(
                "%d repetitions of %d images; drafts of %s; %s; %s%n",
                repetitions, each, drafts.source(), engine, machine);
        Map<String, Object> results = new LinkedHashMap<>();
        results.put("machine", machine);
        results.put("engine", engine.toString());
        results.put("drafter", drafts.source().toString());
        results.put("openblas", System.getenv().getOrDefault("OPENBLAS_CORETYPE", "detected"));
        results.put("lines", lines);
        return results;
    }

    private static void print(List<EndToEnd.Line> lines) {
        System.out.println(
                "| way | tokens/s (quartiles) | speed-up (quartiles) | images/s | accepted length | drift | draft |"
                        + " target | verify | rest |");
        System.out.println("|---|---|---|---:|---:|---:|---:|---:|---:|---:|");
        for (EndToEnd.Line line : lines) {
            double[] t = line.tokensPerSecond();
            double[] s = line.speedUp();
            double[] part = line.shares();
            System.out.printf(
                    Locale.ROOT,
                    "| %s | %.0f (%.0f to %.0f) | %.2f (%.2f to %.2f) | %.1f | %.2f | %.1f | %.0f %% | %.0f %% | %.1f %% |"
                            + " %.1f %% |%n",
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
                    100 * part[2],
                    100 * part[3]);
        }
    }
}
