package org.coolsd.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.coolsd.checkpoint.AtomicFile;
import org.coolsd.training.sweep.Cell;
import org.coolsd.training.sweep.Figures;
import org.coolsd.training.sweep.Method;
import org.coolsd.training.sweep.Metric;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.BitmapEncoder.BitmapFormat;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.style.Styler.LegendPosition;

/** Quality over accepted length, one curve a method, with 95 % intervals. */
final class SweepPlots {
    /** What a plot is about; the target's own noise is a level line where it has one. */
    private enum Quality {
        DRIFT(Metric.DRIFT, "drift per image (first bound)"),
        FRECHET(Metric.FRECHET, "Frechet distance to the target's images"),
        LIKELIHOOD(Metric.LOG_PROB, "target log-likelihood per token (nats)"),
        HISTOGRAM(Metric.HISTOGRAM, "token histogram: total variation to the target's");

        private final Metric metric;
        private final String title;

        Quality(Metric metric, String title) {
            this.metric = metric;
            this.title = title;
        }
    }

    private SweepPlots() {}

    /** Writes a PNG for each quality and each kind of drafts into {@code folder}. */
    static void write(Path folder, Collection<Figures> figures) throws IOException {
        Map<String, Predicate<Cell>> kinds = new LinkedHashMap<>();
        kinds.put("token", cell -> cell.drafts() == Cell.Source.EAGLE && !cell.block());
        kinds.put("block", cell -> cell.drafts() == Cell.Source.EAGLE && cell.block());
        kinds.put("weak", cell -> cell.drafts() == Cell.Source.WEAK);
        for (Map.Entry<String, Predicate<Cell>> kind : kinds.entrySet()) {
            List<Figures> shown = figures.stream()
                    .filter(f -> kind.getValue().test(f.cell())
                            && f.cell().draftLength() == 5
                            && f.cell().draftTemperature() == 1)
                    .toList();
            for (Quality quality : Quality.values()) {
                write(folder, kind.getKey(), quality, shown, figures);
            }
        }
    }

    private static void write(Path folder, String kind, Quality quality, List<Figures> shown, Collection<Figures> all)
            throws IOException {
        Map<String, List<Figures>> curves = new LinkedHashMap<>();
        for (Figures one : shown) {
            if (one.has(quality.metric)) {
                curves.computeIfAbsent(one.cell().curve(), name -> new java.util.ArrayList<>())
                        .add(one);
            }
        }
        if (curves.isEmpty()) {
            return;
        }
        XYChart chart = new XYChartBuilder()
                .width(1000)
                .height(650)
                .title(quality.title + ", drafts: " + kind)
                .xAxisTitle("accepted length (tokens a step)")
                .yAxisTitle(quality.title)
                .build();
        chart.getStyler().setLegendPosition(LegendPosition.OutsideE);
        double least = Double.MAX_VALUE;
        double most = 0;
        for (Map.Entry<String, List<Figures>> curve : curves.entrySet()) {
            List<Figures> points = curve.getValue().stream()
                    .sorted(Comparator.comparingDouble(f -> f.cell().knob()))
                    .toList();
            double[] x = points.stream()
                    .mapToDouble(f -> f.get(Metric.ACCEPTED_LENGTH).value())
                    .toArray();
            double[] y = points.stream()
                    .mapToDouble(f -> f.get(quality.metric).value())
                    .toArray();
            double[] half = points.stream()
                    .mapToDouble(f -> f.get(quality.metric).half())
                    .toArray();
            chart.addSeries(curve.getKey(), x, y, half);
            for (double value : x) {
                least = Math.min(least, value);
                most = Math.max(most, value);
            }
        }
        for (Figures one : all) {
            if (one.cell().method() == Method.TARGET && one.has(quality.metric)) {
                double level = one.get(quality.metric).value();
                double half = one.get(quality.metric).half();
                chart.addSeries(
                        "target, other seeds", new double[] {least, most}, new double[] {level, level}, new double[] {
                            half, half
                        });
            }
        }
        Path file = folder.resolve(quality.name().toLowerCase(java.util.Locale.ROOT) + "-" + kind + ".png");
        AtomicFile.write(file, out -> BitmapEncoder.saveBitmap(chart, out, BitmapFormat.PNG));
    }
}
