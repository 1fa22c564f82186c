package org.coolsd.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.ToDoubleFunction;
import org.coolsd.Sampling;
import org.coolsd.images.ImageModel;
import org.coolsd.images.ImageRequest;
import org.coolsd.images.decoding.Cancellation;
import org.coolsd.images.decoding.DecoderOptions;
import org.coolsd.images.decoding.DecodingListener;
import org.coolsd.images.decoding.DraftLength;
import org.coolsd.images.decoding.SpeculativeDecoder;

/**
 * Whole images, decoded in every way in turn, again and again, so that whatever else the machine does falls on all of them.
 * Token decoding is timed, not the pictures' making. Each repetition has seeds of its own; all ways have the same.
 */
final class EndToEnd implements AutoCloseable {
    private final List<Way> ways = new ArrayList<>();
    private final int classes;
    private final int tokensPerImage;
    private final int images;

    /** One way of decoding and its decoder. */
    private record Way(DecodingPlan plan, SpeculativeDecoder decoder) {}

    /**
     * What one repetition of one way took and yielded.
     *
     * @param seconds for all images
     * @param draft seconds in the drafter's passes
     * @param target seconds in the target's passes
     * @param verify seconds in sampling drafts and verifying them
     */
    record Repetition(
            double seconds, double draft, double target, double verify, long tokens, long steps, double drift) {}

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
     * @param shares medians of the parts of the time: draft, target, verify (with sampling), rest
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
    EndToEnd(ImageModel model, List<DecodingPlan> plans, int images) throws IOException {
        this.images = images;
        classes = model.folder().config().classes().size();
        tokensPerImage = model.folder().config().target().blockSize();
        Sampling sampling = Sampling.of().guidance(model.folder().config().guidance());
        for (DecodingPlan plan : plans) {
            DraftLength length = plan.reach() == null ? DraftLength.fixed() : DraftLength.adaptive(plan.reach());
            DecoderOptions options = new DecoderOptions(plan.batch(), plan.threads(), length);
            ways.add(new Way(plan, model.decoder(plan.verification(), sampling, options)));
        }
    }

    /** Warms every way up, then measures them {@code repetitions} times in turn. */
    List<Line> run(int repetitions, Consumer<String> progress) {
        List<List<Repetition>> all = new ArrayList<>();
        for (Way way : ways) {
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

    private Repetition repeat(Way way, long firstSeed) {
        List<ImageRequest> requests = ImageRequest.inTurn(classes, firstSeed, images, 0);
        var stats = way.decoder.stats();
        long steps = stats.steps();
        double drift = stats.drift();
        long draft = stats.draftNanos();
        long target = stats.targetNanos();
        long verify = stats.verifyNanos();
        long start = System.nanoTime();
        way.decoder.decode(requests, DecodingListener.NONE, new Cancellation());
        long took = System.nanoTime() - start;
        return new Repetition(
                took / 1e9,
                (stats.draftNanos() - draft) / 1e9,
                (stats.targetNanos() - target) / 1e9,
                (stats.verifyNanos() - verify) / 1e9,
                (long) images * tokensPerImage,
                stats.steps() - steps,
                stats.drift() - drift);
    }

    private Line line(Way way, List<Repetition> mine, List<Repetition> plain) {
        List<Double> ratios = new ArrayList<>();
        for (int r = 0; r < mine.size(); r++) {
            ratios.add(plain.get(r).seconds / mine.get(r).seconds);
        }
        double[] rate = quartiles(mine.stream().map(r -> r.tokens / r.seconds).toList());
        return new Line(
                way.plan.name(),
                way.decoder.threads(),
                way.plan.batch(),
                rate,
                quartiles(ratios),
                rate[1] / tokensPerImage,
                sum(mine, Repetition::tokens) / sum(mine, Repetition::steps),
                sum(mine, Repetition::drift) / ((double) images * mine.size()),
                new double[] {
                    median(mine, r -> r.draft / r.seconds),
                    median(mine, r -> r.target / r.seconds),
                    median(mine, r -> r.verify / r.seconds),
                    median(mine, r -> 1 - (r.draft + r.target + r.verify) / r.seconds)
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
