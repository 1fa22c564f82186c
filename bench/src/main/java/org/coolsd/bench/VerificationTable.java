package org.coolsd.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.coolsd.Acceptance;
import org.coolsd.Sampling;
import org.coolsd.Schedule;
import org.coolsd.decode.DecoderOptions;
import org.coolsd.decode.FactorPolicy;
import org.coolsd.decode.Result;
import org.coolsd.images.ImageDecoder;
import org.coolsd.images.ImageModel;
import org.coolsd.images.ImageRequest;
import org.coolsd.images.ModelFolder;
import org.coolsd.libtorch.LibTorch;
import org.coolsd.libtorch.Placement;
import org.coolsd.libtorch.Precision;

/**
 * Accepted length and drift of the shipped model's images, token by token and as blocks, for the same factors; drift budgets
 * beside them. Images differ in nothing but their seeds, so that the intervals are those of means over independent images.
 */
final class VerificationTable {
    private static final int IMAGES = 200;
    private static final int[] LENGTHS = {5, 8};
    private static final double[] DELTAS = {1.02, 1.05, 1.1, 1.2, 1.3, 1.5};
    private static final double[] BUDGETS = {1, 2, 4, 8};

    private VerificationTable() {}

    /** A mean over images and half the width of its 95 % interval. */
    record Mean(double value, double half) {
        static Mean of(double[] values) {
            double sum = 0;
            for (double x : values) {
                sum += x;
            }
            double mean = sum / values.length;
            double squares = 0;
            for (double x : values) {
                squares += (x - mean) * (x - mean);
            }
            return new Mean(mean, 1.96 * Math.sqrt(squares / (values.length - 1.0) / values.length));
        }

        @Override
        public String toString() {
            return String.format(Locale.ROOT, "%.2f ± %.2f", value, half);
        }
    }

    /**
     * What was found of one rule with one schedule.
     *
     * @param acceptedLength tokens per step, of an image
     * @param drift sum of D over an image
     */
    record Row(String schedule, int draftLength, String verification, Mean acceptedLength, Mean drift) {}

    static Map<String, Object> run(Machine machine) throws IOException {
        LibTorch.load(1);
        List<Row> rows = new ArrayList<>();
        try (ImageModel model =
                ImageModel.load(ModelFolder.open(ModelFolder.SHIPPED), Precision.fastest(), Placement.cpu())) {
            System.out.println("| schedule | L | verification | accepted length | drift per image |");
            System.out.println("|---|---:|---|---:|---:|");
            for (int length : LENGTHS) {
                DecoderOptions options = DecoderOptions.of(length).slots(8).drift(true);
                for (Map.Entry<String, Schedule> one : schedules().entrySet()) {
                    measure(rows, model, one.getKey(), options.schedule(one.getValue()));
                }
                for (double budget : BUDGETS) {
                    String name = "budget " + budget + " per image";
                    measure(rows, model, name, options.factors(FactorPolicy.budgetPerSequence(budget)));
                }
            }
        }
        System.out.printf("%d images, guidance of the model; ± is half of a 95 %% interval; %s%n", IMAGES, machine);
        return Map.of("machine", machine, "images", IMAGES, "rows", rows);
    }

    private static Map<String, Schedule> schedules() {
        Map<String, Schedule> schedules = new LinkedHashMap<>();
        schedules.put("lossless", Schedule.lossless());
        schedules.put("exponential 1.1", Schedule.exponential(1.1));
        schedules.put("exponential 2", Schedule.exponential(2));
        schedules.put("uniform 1.1", Schedule.uniform(1.1));
        for (double delta : DELTAS) {
            schedules.put("clamped " + delta, Schedule.exponential(delta).clamped());
        }
        return schedules;
    }

    private static void measure(List<Row> rows, ImageModel model, String schedule, DecoderOptions options) {
        for (Acceptance rule : List.of(Acceptance.token(), Acceptance.block())) {
            Row row = measure(model, schedule, options.acceptance(rule));
            rows.add(row);
            System.out.printf(
                    "| %s | %d | %s | %s | %s |%n",
                    schedule, row.draftLength, row.verification, row.acceptedLength, row.drift);
        }
    }

    private static Row measure(ImageModel model, String schedule, DecoderOptions options) {
        ModelFolder.Config config = model.folder().config();
        Sampling sampling = Sampling.of().guidance(config.guidance());
        List<Result> results;
        try (ImageDecoder decoder = model.decoder(sampling, options)) {
            results = decoder.decode(ImageRequest.inTurn(config.classes().size(), 0, IMAGES, 0))
                    .made();
        }
        return new Row(
                schedule,
                options.draftLength(),
                options.acceptance() instanceof Acceptance.Block ? "block" : "token",
                Mean.of(results.stream().mapToDouble(Result::acceptedLength).toArray()),
                Mean.of(results.stream().mapToDouble(Result::drift).toArray()));
    }
}
