package org.coolsd.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.coolsd.command.JsonOption;
import org.coolsd.command.Progress;
import org.coolsd.training.Training;
import org.coolsd.training.TrainingPlan;
import org.coolsd.training.TrainingTask;

/**
 * One training of the command line: with a bar, its state and its learning curve in a folder.
 *
 * @param model what is trained
 * @param folder an existing folder of the state, resumed if it has one, and of the curve as CSV and PNG
 */
record TrainingRun(String model, TrainingPlan plan, Path folder) {
    /** Trains to the plan's last update; returns the moving average of the loss, NaN where a complete run lost its CSV. */
    double run(TrainingTask task) throws IOException {
        Training training =
                new Training(task, plan, folder.resolve(model + ".state.safetensors"), folder.resolve(model + ".csv"));
        try (Progress bar = Progress.of(model, plan.steps())) {
            training.run((step, all, lossOfUpdate) -> {
                bar.stepTo(step);
                bar.message(String.format(Locale.ROOT, "loss %.4f", lossOfUpdate));
            });
        }
        double[] losses = training.losses();
        if (losses.length == 0) {
            return Double.NaN;
        }
        LearningCurve.write(model, losses, folder.resolve(model + ".png"));
        return LearningCurve.smooth(losses)[losses.length - 1];
    }

    /** Says what was trained, on standard output and as JSON where that is asked for. */
    void report(double loss, Path weights, JsonOption json) throws IOException {
        Map<String, Object> summary = new LinkedHashMap<>();
        summary.put("model", model);
        summary.put("updates", plan.steps());
        summary.put("loss", loss);
        summary.put("weights", weights.toString());
        json.write(summary);
        System.out.printf(Locale.ROOT, "%s: %d updates, loss %.4f, %s%n", model, plan.steps(), loss, weights);
    }
}
