package org.coolsd.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import org.coolsd.checkpoint.AtomicFile;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.BitmapEncoder.BitmapFormat;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** The loss over the updates as a picture. */
final class LearningCurve {
    private static final double SMOOTHING = 0.98;

    private LearningCurve() {}

    /** The moving average of the losses of all updates. */
    static double[] smooth(double[] losses) {
        double[] smooth = new double[losses.length];
        for (int i = 0; i < losses.length; i++) {
            smooth[i] = i == 0 ? losses[0] : SMOOTHING * smooth[i - 1] + (1 - SMOOTHING) * losses[i];
        }
        return smooth;
    }

    /** Writes a PNG with the loss of every update and its moving average. */
    static void write(String model, double[] losses, Path file) throws IOException {
        double[] updates = new double[losses.length];
        double[] smooth = smooth(losses);
        Arrays.setAll(updates, i -> i + 1);
        XYChart chart = new XYChartBuilder()
                .width(800)
                .height(500)
                .title(model)
                .xAxisTitle("update")
                .yAxisTitle("loss")
                .build();
        chart.getStyler().setYAxisLogarithmic(true);
        chart.addSeries("loss", updates, losses).setMarker(SeriesMarkers.NONE);
        chart.addSeries("moving average", updates, smooth).setMarker(SeriesMarkers.NONE);
        AtomicFile.write(file, out -> BitmapEncoder.saveBitmap(chart, out, BitmapFormat.PNG));
    }
}
