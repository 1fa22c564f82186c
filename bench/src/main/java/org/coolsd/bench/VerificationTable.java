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
import org.coolsd.images.ImageModel;
import org.coolsd.images.ImageRequest;
import org.coolsd.images.ModelFolder;
import org.coolsd.images.decoding.Cancellation;
import org.coolsd.images.decoding.DecoderOptions;
import org.coolsd.images.decoding.DecodingListener;
import org.coolsd.images.decoding.SpeculativeDecoder;
import org.coolsd.images.decoding.Verification;
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
            int tokens = model.folder().config().target().blockSize();
            for (int length : LENGTHS) {
                for (Map.Entry<String, Schedule> one : schedules().entrySet()) {
                    Schedule.Drafts drafts = one.getValue().draftLength(length);
                    rows.add(measure(model, one.getKey(), Verification.token(drafts), "token"));
                    rows.add(measure(model, one.getKey(), Verification.block(drafts), "block"));
                }
                for (double budget : BUDGETS) {
                    Schedule.Drafts drafts = Schedule.budget(budget / tokens).draftLength(length);
                    String name = "budget " + budget + " per image";
                    for (Acceptance rule : List.of(Acceptance.token(), Acceptance.block())) {
                        Verification verification = new Verification(drafts, rule, budget);
                        rows.add(measure(
                                model, name, verification, rule instanceof Acceptance.Block ? "block" : "token"));
                    }
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

    private static Row measure(ImageModel model, String schedule, Verification verification, String rule) {
        ModelFolder.Config config = model.folder().config();
        double[] drift = new double[IMAGES];
        double[] steps = new double[IMAGES];
        DecodingListener listener = new DecodingListener() {
            @Override
            public void verified(int image, int drafted, int accepted, double more) {
                drift[image] += more;
                steps[image]++;
            }
        };
        try (SpeculativeDecoder decoder = model.decoder(
                verification,
                Sampling.of().guidance(config.guidance()),
                DecoderOptions.of().batch(8))) {
            decoder.decode(ImageRequest.inTurn(config.classes().size(), 0, IMAGES, 0), listener, new Cancellation());
        }
        double[] length = new double[IMAGES];
        for (int i = 0; i < IMAGES; i++) {
            length[i] = config.target().blockSize() / steps[i];
        }
        int most = verification.drafts().length();
        Row row = new Row(schedule, most, rule, Mean.of(length), Mean.of(drift));
        System.out.printf("| %s | %d | %s | %s | %s |%n", schedule, most, rule, row.acceptedLength, row.drift);
        return row;
    }
}
