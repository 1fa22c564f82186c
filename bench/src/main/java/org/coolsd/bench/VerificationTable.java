package org.coolsd.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.coolsd.Acceptance;
import org.coolsd.Schedule;
import org.coolsd.decode.Decoder;
import org.coolsd.decode.DecoderOptions;
import org.coolsd.decode.FactorPolicy;
import org.coolsd.decode.Result;
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
        try (Shipped<?> model = Shipped.load(Precision.fastest(), Placement.cpu())) {
            System.out.println("| schedule | L | verification | accepted length | drift per image |");
            System.out.println("|---|---:|---|---:|---:|");
            for (int length : LENGTHS) {
                Map<String, FactorPolicy> ways = new LinkedHashMap<>();
                schedules().forEach((name, schedule) -> ways.put(name, FactorPolicy.of(schedule)));
                for (double budget : BUDGETS) {
                    ways.put("budget " + budget + " per image", FactorPolicy.budgetPerSequence(budget));
                }
                for (Map.Entry<String, FactorPolicy> way : ways.entrySet()) {
                    DecoderOptions options = DecoderOptions.of(length)
                            .slots(8)
                            .factors(way.getValue())
                            .drift(true);
                    rows.add(measure(model, way.getKey(), options, "token"));
                    rows.add(measure(model, way.getKey(), options.acceptance(Acceptance.block()), "block"));
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

    private static <C> Row measure(Shipped<C> model, String schedule, DecoderOptions options, String rule) {
        double[] drift = new double[IMAGES];
        double[] length = new double[IMAGES];
        try (Decoder<C> decoder = model.decoder(1, options)) {
            List<Result> results = decoder.decode(model.requests(0, IMAGES));
            for (int i = 0; i < IMAGES; i++) {
                drift[i] = results.get(i).drift();
                length[i] = results.get(i).acceptedLength();
            }
        }
        Row row = new Row(schedule, options.draftLength(), rule, Mean.of(length), Mean.of(drift));
        System.out.printf(
                "| %s | %d | %s | %s | %s |%n", schedule, row.draftLength, rule, row.acceptedLength, row.drift);
        return row;
    }
}
