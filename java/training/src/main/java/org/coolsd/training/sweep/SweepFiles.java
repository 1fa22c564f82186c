package org.coolsd.training.sweep;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.coolsd.checkpoint.AtomicFile;
import org.coolsd.training.evaluation.Estimate;

/** What a sweep found, for programs: {@code cells.csv}, {@code comparisons.csv}, and both in {@code sweep.json}. */
public final class SweepFiles {
    private static final List<String> CELL =
            List.of("cell", "method", "knob", "drafts", "draftTemperature", "verification", "draftLength", "images");

    private SweepFiles() {}

    /**
     * Writes the three files.
     *
     * @param folder an existing folder
     * @param run what was run: machine, command, figures of the models
     */
    public static void write(
            Path folder, Map<String, Object> run, Collection<Figures> figures, List<Comparison> comparisons)
            throws IOException {
        List<Map<String, Object>> cells = figures.stream().map(SweepFiles::row).toList();
        List<Map<String, Object>> differences =
                comparisons.stream().map(SweepFiles::row).toList();
        csv(folder.resolve("cells.csv"), cells);
        csv(folder.resolve("comparisons.csv"), differences);
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("run", run);
        all.put("cells", cells);
        all.put("comparisons", differences);
        String text =
                new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT).writeValueAsString(all) + "\n";
        AtomicFile.write(folder.resolve("sweep.json"), out -> out.write(text.getBytes(StandardCharsets.UTF_8)));
    }

    /** A cell: null where the method lacks a metric; each metric with half of its 95 % interval. */
    private static Map<String, Object> row(Figures figures) {
        Cell cell = figures.cell();
        Map<String, Object> row = new LinkedHashMap<>();
        Object[] identity = {
            cell.name(),
            cell.method().toString(),
            cell.method().hasKnob() ? cell.knob() : null,
            cell.drafts().name().toLowerCase(Locale.ROOT),
            cell.draftTemperature(),
            cell.verification(),
            cell.draftLength(),
            figures.images()
        };
        for (int i = 0; i < identity.length; i++) {
            row.put(CELL.get(i), identity[i]);
        }
        for (Metric metric : Metric.values()) {
            Estimate estimate = figures.has(metric) ? figures.get(metric) : null;
            row.put(metric.toString(), estimate == null ? null : rounded(estimate.value()));
            row.put(metric + ".half95", estimate == null ? null : rounded(estimate.half()));
        }
        row.put(
                "precision",
                figures.manifold() == null ? null : rounded(figures.manifold().precision()));
        row.put(
                "recall",
                figures.manifold() == null ? null : rounded(figures.manifold().recall()));
        row.put("busySecondsPerImage", rounded(figures.seconds() / figures.images()));
        return row;
    }

    private static Map<String, Object> row(Comparison comparison) {
        Map<String, Object> row = new LinkedHashMap<>();
        Estimate difference = comparison.difference();
        row.put("claim", comparison.claim());
        row.put("what", comparison.what());
        row.put("metric", comparison.metric());
        row.put("at", comparison.at());
        row.put("places", comparison.places());
        row.put("difference", rounded(difference.value()));
        row.put("low95", rounded(difference.value() - difference.half()));
        row.put("high95", rounded(difference.value() + difference.half()));
        row.put("p", rounded(comparison.pValue()));
        return row;
    }

    /** Five significant digits; null for what is not a number, which JSON has not. */
    private static Double rounded(double value) {
        return Double.isFinite(value) ? Double.valueOf(String.format(Locale.ROOT, "%.5g", value)) : null;
    }

    private static void csv(Path file, List<Map<String, Object>> rows) throws IOException {
        List<String> lines = new ArrayList<>();
        if (!rows.isEmpty()) {
            lines.add(String.join(",", rows.get(0).keySet()));
        }
        for (Map<String, Object> row : rows) {
            lines.add(String.join(
                    ",",
                    row.values().stream()
                            .map(v -> v == null ? "" : v.toString())
                            .toList()));
        }
        String text = String.join("\n", lines) + "\n";
        AtomicFile.write(file, out -> out.write(text.getBytes(StandardCharsets.UTF_8)));
    }
}
