package org.coolsd.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.coolsd.Acceptance;
import org.coolsd.Schedule;
import org.coolsd.decode.Decoder;
import org.coolsd.decode.DecoderOptions;
import org.coolsd.decode.Drafter;
import org.coolsd.decode.Request;
import org.coolsd.decode.Result;
import org.coolsd.libtorch.LibTorch;
import org.coolsd.libtorch.Placement;
import org.coolsd.libtorch.Precision;

/**
 * The shipped model with every source of drafts: rounds of some images each, all configurations once a round, so that what
 * else the machine does meets them alike. Intervals of accepted length and drift are over images, those of time over rounds.
 */
final class DraftersTable {
    private static final int ROUNDS = 5;
    private static final int IMAGES = 8;
    private static final int WINDOW = 5;

    private DraftersTable() {}

    /** A drafter with a rule and a schedule; what was found of each image, and of each round. */
    private record Way<C>(String drafter, String schedule, String rule, Decoder<C> decoder, Found found) {}

    private record Found(List<Double> lengths, List<Double> drifts, List<Double> seconds) {
        Found() {
            this(new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
        }
    }

    /**
     * What is written of one.
     *
     * @param acceptedLength tokens per step, of an image
     * @param drift sum of D over an image
     * @param seconds of an image, {@code IMAGES} of them side by side
     */
    record Row(
            String drafter,
            String schedule,
            String verification,
            VerificationTable.Mean acceptedLength,
            VerificationTable.Mean drift,
            VerificationTable.Mean seconds) {}

    static Map<String, Object> run(Machine machine) throws IOException {
        LibTorch.load(1);
        try (Shipped<?> model = Shipped.load(Precision.fastest(), Placement.cpu())) {
            return run(machine, model);
        }
    }

    private static <C> Map<String, Object> run(Machine machine, Shipped<C> model) {
        List<Way<C>> ways = new ArrayList<>();
        try {
            add(ways, model);
            return measure(machine, ways, model);
        } finally {
            ways.forEach(way -> way.decoder.close());
        }
    }

    private static <C> void add(List<Way<C>> ways, Shipped<C> model) {
        Acceptance token = Acceptance.token();
        Acceptance block = Acceptance.block();
        Schedule lossless = Schedule.lossless();
        Schedule annealed = Schedule.exponential(1.1);
        ways.add(way(model, "none", Drafter.none(), "lossless", lossless, token));
        for (Schedule schedule : List.of(lossless, annealed)) {
            String name = schedule == lossless ? "lossless" : "exponential 1.1";
            for (Acceptance rule : List.of(token, block)) {
                ways.add(way(model, "eagle", model.images().drafter(), name, schedule, rule));
                ways.add(way(model, "jacobi", Drafter.jacobi(), name, schedule, rule));
            }
            ways.add(way(model, "coupled", Drafter.coupled(), name, schedule, token));
        }
    }

    private static <C> Way<C> way(
            Shipped<C> model, String name, Drafter<C> drafter, String schedule, Schedule factors, Acceptance rule) {
        DecoderOptions options = DecoderOptions.of(WINDOW)
                .slots(IMAGES)
                .schedule(factors)
                .acceptance(rule)
                .drift(true);
        String verification = rule instanceof Acceptance.Block ? "block" : "token";
        Decoder<C> decoder =
                new Decoder<>(model.images().target().model(model.sampling().guidance() != 1, 1), drafter, options);
        return new Way<>(name, schedule, verification, decoder, new Found());
    }

    private static <C> Map<String, Object> measure(Machine machine, List<Way<C>> ways, Shipped<C> model) {
        for (int round = 0; round < ROUNDS; round++) {
            for (Way<C> way : ways) {
                List<Request<C>> requests = model.requests((long) round * IMAGES, IMAGES);
                long begin = System.nanoTime();
                List<Result> results = way.decoder.decode(requests);
                way.found.seconds.add((System.nanoTime() - begin) / 1e9 / IMAGES);
                for (Result result : results) {
                    way.found.lengths.add(result.acceptedLength());
                    way.found.drifts.add(result.drift());
                }
            }
            System.err.printf("round %d of %d%n", round + 1, ROUNDS);
        }
        System.out.println(
                "| drafts | schedule | verification | accepted length | drift per image | seconds per image |");
        System.out.println("|---|---|---|---:|---:|---:|");
        List<Row> rows = new ArrayList<>();
        for (Way<C> way : ways) {
            Row row = new Row(
                    way.drafter,
                    way.schedule,
                    way.rule,
                    mean(way.found.lengths),
                    mean(way.found.drifts),
                    mean(way.found.seconds));
            System.out.printf(
                    Locale.ROOT,
                    "| %s | %s | %s | %s | %s | %.3f ± %.3f |%n",
                    row.drafter,
                    row.schedule,
                    row.verification,
                    row.acceptedLength,
                    row.drift,
                    row.seconds.value(),
                    row.seconds.half());
            rows.add(row);
        }
        System.out.printf(
                "%d images, %d side by side, window %d, one thread; ± is half of a 95 %% interval; %s%n",
                ROUNDS * IMAGES, IMAGES, WINDOW, machine);
        return Map.of("machine", machine, "images", ROUNDS * IMAGES, "window", WINDOW, "rows", rows);
    }

    private static VerificationTable.Mean mean(List<Double> values) {
        return VerificationTable.Mean.of(
                values.stream().mapToDouble(Double::doubleValue).toArray());
    }
}
