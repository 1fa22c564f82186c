package org.coolsd.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.ToDoubleFunction;
import org.coolsd.decode.Decoder;
import org.coolsd.decode.Request;
import org.coolsd.decode.Totals;

/**
 * Whole images, decoded in every way in turn, again and again, so that whatever else the machine does falls on all of them.
 * Token decoding is timed, not the pictures' making. Each repetition has seeds of its own; all ways have the same.
 */
final class EndToEnd<C> implements AutoCloseable {
    private final List<Way<C>> ways = new ArrayList<>();
    private final Shipped<C> model;
    private final int images;

    /** One way of decoding and its decoder. */
    private record Way<C>(DecodingPlan plan, Timed<C> timed, Decoder<C> decoder) {}

    /**
     * What one repetition of one way took and yielded.
     *
     * @param seconds for all images
     * @param draft seconds in the drafter's passes
     * @param target seconds in the target's passes
     */
    record Repetition(double seconds, double draft, double target, long tokens, long steps, double drift) {}

    /**
     * What was found of one way.
     *
     * @param name of the plan
     * @param threads in use
     * @param batch images side by side
     * @param tokensPerSecond median, and the quartiles around it
     * @param speedUp median over the repetitions of the ratio to the first plain way of the same repetition, and quartiles
     * @param acceptedLength tokens per step
     * @param driftPerImage sum of D
     * @param shares medians of the parts of the time: draft, target, and the rest: drawing drafts, verifying, the loop
     * @param repetitions all of them
     */
    record Line(
            String name,
            int threads,
            int batch,
            double[] tokensPerSecond,
            double[] speedUp,
            double imagesPerSecond,
            double acceptedLength,
            double driftPerImage,
            double[] shares,
            List<Repetition> repetitions) {}

    /** @param images of a repetition of each way */
    EndToEnd(Shipped<C> model, List<DecodingPlan> plans, int images) {
        this.model = model;
        this.images = images;
        for (DecodingPlan plan : plans) {
            Timed<C> timed = model.timed(plan.threads(), plan.options());
            ways.add(new Way<>(
                    plan,
                    timed,
                    new Decoder<>(
                            timed.model(),
                            timed.drafter(),
                            plan.options().backend(model.images().backend()))));
        }
    }

    /** Warms every way up, then measures them {@code repetitions} times in turn. */
    List<Line> run(int repetitions, Consumer<String> progress) {
        List<List<Repetition>> all = new ArrayList<>();
        for (Way<C> way : ways) {
            progress.accept("warming up: " + way.plan.name());
            for (int i = 0; i < 3; i++) {
                repeat(way, 1_000_000L * (i + 1));
            }
            all.add(new ArrayList<>());
        }
        for (int r = 0; r < repetitions; r++) {
            progress.accept("repetition " + (r + 1) + " of " + repetitions);
            for (int w = 0; w < ways.size(); w++) {
                all.get(w).add(repeat(ways.get(w), (long) r * images));
            }
        }
        List<Line> lines = new ArrayList<>();
        for (int w = 0; w < ways.size(); w++) {
            lines.add(line(ways.get(w), all.get(w), all.get(0)));
        }
        return lines;
    }

    private Repetition repeat(Way<C> way, long firstSeed) {
        List<Request<C>> requests = model.requests(firstSeed, images);
        long draft = way.timed.draftNanos();
        long target = way.timed.targetNanos();
        long start = System.nanoTime();
        Totals totals = Totals.of(way.decoder.decode(requests));
        long took = System.nanoTime() - start;
        return new Repetition(
                took / 1e9,
                (way.timed.draftNanos() - draft) / 1e9,
                (way.timed.targetNanos() - target) / 1e9,
                totals.tokens(),
                totals.steps(),
                totals.drift());
    }

    private Line line(Way<C> way, List<Repetition> mine, List<Repetition> plain) {
        List<Double> ratios = new ArrayList<>();
        for (int r = 0; r < mine.size(); r++) {
            ratios.add(plain.get(r).seconds / mine.get(r).seconds);
        }
        double[] rate = quartiles(mine.stream().map(r -> r.tokens / r.seconds).toList());
        return new Line(
                way.plan.name(),
                way.plan.threads(),
                way.plan.options().slots(),
                rate,
                quartiles(ratios),
                rate[1] / model.tokens(),
                sum(mine, Repetition::tokens) / sum(mine, Repetition::steps),
                sum(mine, Repetition::drift) / ((double) images * mine.size()),
                new double[] {
                    median(mine, r -> r.draft / r.seconds),
                    median(mine, r -> r.target / r.seconds),
                    median(mine, r -> 1 - (r.draft + r.target) / r.seconds)
                },
                mine);
    }

    private static double sum(List<Repetition> repetitions, ToDoubleFunction<Repetition> value) {
        return repetitions.stream().mapToDouble(value).sum();
    }

    private static double median(List<Repetition> repetitions, ToDoubleFunction<Repetition> value) {
        return quartiles(repetitions.stream().map(value::applyAsDouble).toList())[1];
    }

    /** Lower quartile, median, upper quartile. */
    static double[] quartiles(List<Double> values) {
        double[] sorted = values.stream().mapToDouble(x -> x).sorted().toArray();
        double[] found = new double[3];
        for (int q = 0; q < 3; q++) {
            double at = (sorted.length - 1) * (q + 1) / 4.0;
            int below = (int) at;
            int above = Math.min(below + 1, sorted.length - 1);
            found[q] = sorted[below] + (at - below) * (sorted[above] - sorted[below]);
        }
        return found;
    }

    @Override
    public void close() {
        ways.forEach(way -> way.decoder.close());
    }
}
