package org.coolsd.images;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.coolsd.Acceptance;
import org.coolsd.Sampling;
import org.coolsd.Schedule;
import org.coolsd.decode.Decoder;
import org.coolsd.decode.DecoderOptions;
import org.coolsd.decode.DraftPolicy;
import org.coolsd.decode.FactorPolicy;
import org.coolsd.decode.Request;
import org.coolsd.decode.Result;
import org.coolsd.decode.Ticket;
import org.coolsd.decode.Totals;
import org.coolsd.models.eagle.EagleModel;
import org.coolsd.models.llamagen.LlamaGenTarget;
import org.coolsd.models.tiny.TinyModel;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Image requests on the tiny official checkpoints: 16 tokens, 128 entries, random weights. */
class TinyImagesTest {
    private static TinyModel model;

    @BeforeAll
    static void load() throws Exception {
        model = TinyModel.load();
    }

    /** An image to be made. */
    private record Wanted(int label, long seed) {}

    /** A decoder of a tiny model, and how it samples. */
    private record Loop(Decoder<Integer> decoder, Sampling sampling) implements AutoCloseable {
        private Request<Integer> request(Wanted image) {
            return Request.of(image.label, image.seed, sampling, 16);
        }

        int[] tokens(Wanted image) {
            return decoder.decode(List.of(request(image))).get(0).tokens();
        }

        ImageRun run(List<Wanted> images) {
            return ImageRun.of(decoder, images.stream().map(this::request).toList(), decided -> {});
        }

        @Override
        public void close() {
            decoder.close();
        }
    }

    private static List<int[]> tokens(ImageRun run) {
        return run.results().values().stream().map(Result::tokens).toList();
    }

    private static Loop decoder(TinyModel tiny, Sampling sampling, DecoderOptions options) {
        LlamaGenTarget target = new LlamaGenTarget(tiny.target(), sampling.guidance() != 1, 1);
        return new Loop(new Decoder<>(target, new EagleModel(tiny.drafter()), options), sampling);
    }

    private static Loop decoder(Sampling sampling, DecoderOptions options) {
        return decoder(model, sampling, options);
    }

    @Test
    void greedySpeculationEqualsGreedySampling() {
        for (float guidance : new float[] {1, 3}) {
            Sampling greedy = Sampling.of().temperature(0).guidance(guidance);
            try (Loop plain = decoder(greedy, DecoderOptions.of(0))) {
                for (int length : new int[] {1, 3, 8, 20}) {
                    DecoderOptions relaxed = DecoderOptions.of(length).schedule(Schedule.exponential(1.1));
                    try (Loop speculative = decoder(greedy, relaxed)) {
                        for (int label = 0; label < 10; label++) {
                            Wanted request = new Wanted(label, 5);
                            assertThat(speculative.tokens(request)).isEqualTo(plain.tokens(request));
                        }
                    }
                }
            }
        }
    }

    @Test
    void theSameSeedGivesTheSameTokensWhateverWasDecodedBefore() {
        DecoderOptions options = DecoderOptions.of(4).schedule(Schedule.exponential(1.1));
        try (Loop decoder = decoder(Sampling.of().guidance(2), options)) {
            int[] first = decoder.tokens(new Wanted(3, 11));
            int[] other = decoder.tokens(new Wanted(4, 12));
            assertThat(decoder.tokens(new Wanted(3, 11))).isEqualTo(first).isNotEqualTo(other);
        }
    }

    @Test
    void countsAreThoseOfTheImages() {
        DecoderOptions options =
                DecoderOptions.of(3).schedule(Schedule.uniform(1.5)).slots(3).drift(true);
        List<Long> heard = new ArrayList<>();
        try (Loop decoder = decoder(Sampling.of(), options)) {
            List<Request<Integer>> four =
                    requests(4, 0).stream().map(decoder::request).toList();
            ImageRun images = ImageRun.of(decoder.decoder, four, heard::add);
            assertThat(heard).isSorted().endsWith(64L);
            Totals totals = images.totals();
            assertThat(totals.sequences()).isEqualTo(4);
            assertThat(totals.tokens()).isEqualTo(64);
            assertThat(totals.acceptedLength()).isEqualTo(64.0 / totals.steps()).isBetween(1.0, 4.0);
            assertThat(totals.driftPerSequence()).isEqualTo(totals.drift() / 4).isPositive();
            assertThat(images.failures()).isEmpty();
        }
    }

    @Test
    void aCancelledImageEndsAndLeavesTheDecoderUsable() {
        try (Loop decoder = decoder(Sampling.of(), DecoderOptions.of(2).slots(2))) {
            List<int[]> whole = tokens(decoder.run(requests(2, 1)));
            Ticket ended = decoder.decoder.submit(decoder.request(requests(2, 1).get(0)));
            Ticket kept = decoder.decoder.submit(decoder.request(requests(2, 1).get(1)));
            assertThat(decoder.decoder.step()).isTrue();
            ended.cancel();
            while (decoder.decoder.step()) {
                assertThat(ended.result()).isCompletedExceptionally();
            }
            assertThat(kept.result().join().tokens()).isEqualTo(whole.get(1));
            assertThat(tokens(decoder.run(requests(2, 1)))).containsExactlyElementsOf(whole);
        }
    }

    /** An exception in the middle of drafting: the next images know nothing of it. */
    @Test
    void anExceptionWhileDraftingLeavesTheDecoderUsable() {
        boolean[] broken = {false};
        DraftPolicy breaking = () -> drafted -> {
            if (broken[0]) {
                throw new IllegalStateException("no idea");
            }
            return true;
        };
        DecoderOptions options = DecoderOptions.of(3).slots(2).drafts(breaking);
        try (Loop decoder = decoder(Sampling.of(), options)) {
            List<int[]> before = tokens(decoder.run(requests(2, 1)));
            broken[0] = true;
            assertThat(decoder.run(requests(2, 1)).failures())
                    .containsEntry(0, "no idea")
                    .containsEntry(1, "no idea");
            broken[0] = false;
            assertThat(tokens(decoder.run(requests(2, 1)))).containsExactlyElementsOf(before);
        }
    }

    /** One token's embedding is NaN: the image that draws it fails, and no other image of the same decoder. */
    @Test
    void oneImagesNanIsNotTheNextOnes() throws Exception {
        int bad;
        int[] good;
        try (Loop decoder = decoder(Sampling.of(), DecoderOptions.of(3))) {
            bad = decoder.tokens(new Wanted(1, 1))[3];
            good = decoder.tokens(new Wanted(2, 2));
        }
        assertThat(good).doesNotContain(bad);
        List<Wanted> requests = List.of(new Wanted(2, 2), new Wanted(1, 1), new Wanted(2, 2), new Wanted(2, 2));
        for (int slots : new int[] {1, 3}) {
            try (Loop decoder = decoder(
                    TinyModel.withNanToken(bad),
                    Sampling.of(),
                    DecoderOptions.of(3).slots(slots))) {
                ImageRun images = decoder.run(requests);
                assertThat(images.failures()).containsOnlyKeys(1);
                assertThat(images.failures().get(1)).contains("NAN");
                assertThat(tokens(images)).containsExactly(good, good, good);
            }
        }
    }

    /** The drift of every image keeps to its budget, uses most of it, and a larger budget accepts more. */
    @Test
    void imagesKeepToTheirDriftBudget() {
        double[] accepted = new double[3];
        double[] budgets = {0, 0.5, 3};
        for (int i = 0; i < budgets.length; i++) {
            for (Acceptance rule : List.of(Acceptance.token(), Acceptance.block())) {
                DecoderOptions options = DecoderOptions.of(4)
                        .slots(7)
                        .factors(FactorPolicy.budgetPerSequence(budgets[i]))
                        .acceptance(rule);
                try (Loop decoder = decoder(Sampling.of(), options)) {
                    ImageRun images = decoder.run(requests(30, 0));
                    accepted[i] = images.totals().acceptedLength();
                    for (Result result : images.results().values()) {
                        assertThat(result.drift()).isLessThanOrEqualTo(budgets[i]);
                    }
                    assertThat(images.totals().driftPerSequence()).isGreaterThanOrEqualTo(0.3 * budgets[i]);
                }
            }
        }
        assertThat(accepted[1]).isGreaterThan(accepted[0]);
        assertThat(accepted[2]).isGreaterThan(accepted[1]);
    }

    @Test
    void closedDecodersForeignDraftersAndBadLabelsAreRefused() throws Exception {
        Loop decoder = decoder(Sampling.of(), DecoderOptions.of(3));
        assertThatThrownBy(() -> decoder.tokens(new Wanted(10, 0)))
                .hasMessageContaining("label is 10, it must be 0..9");
        decoder.close();
        decoder.close();
        assertThatThrownBy(() -> decoder.tokens(new Wanted(0, 0))).hasMessageContaining("closed");
        TinyModel other = TinyModel.load();
        assertThatThrownBy(() ->
                        decoder(new TinyModel(model.target(), other.drafter()), Sampling.of(), DecoderOptions.of(3)))
                .hasMessage("drafter was made for another target");
    }

    /**
     * Lossless decoding has the target's law, whatever decides the draft length: the pair of tokens 1 and 2, binned 8 x 8,
     * over 3 000 images each way, so that the counts are of independent pairs. Two-sample chi-square with 63 degrees of
     * freedom; 140 is exceeded by chance with probability below 1e-6. Images decoded with everything accepted must exceed
     * it.
     */
    @Test
    void losslessDecodingHasTheTargetsLaw() {
        long[] plain = histogram(DecoderOptions.of(0), 0);
        for (Acceptance rule : List.of(Acceptance.token(), Acceptance.block())) {
            DecoderOptions two = DecoderOptions.of(2).acceptance(rule);
            assertThat(distance(plain, histogram(two, 1_000_000))).isLessThan(140);
            assertThat(distance(plain, histogram(two.drafts(DraftPolicy.adaptive(0.8)), 2_000_000)))
                    .isLessThan(140);
            assertThat(distance(plain, histogram(two.schedule(Schedule.uniform(1000)), 1_000_000)))
                    .isGreaterThan(140);
        }
    }

    /** Few tokens are worth drafting with random weights, none of them at a reach of 1, all of them at 0. */
    @Test
    void adaptiveDraftsFollowReach() {
        double[] drafted = new double[4];
        List<DraftPolicy> policies = List.of(
                DraftPolicy.adaptive(0), DraftPolicy.adaptive(0.5), DraftPolicy.adaptive(1), DraftPolicy.fixed());
        for (int i = 0; i < drafted.length; i++) {
            try (Loop decoder = decoder(Sampling.of(), DecoderOptions.of(6).drafts(policies.get(i)))) {
                Totals totals = decoder.run(requests(20, 0)).totals();
                drafted[i] = (double) totals.drafted() / totals.steps();
            }
        }
        assertThat(drafted[0]).isEqualTo(drafted[3]).isGreaterThan(drafted[1]);
        assertThat(drafted[1]).isGreaterThan(drafted[2]);
        assertThat(drafted[2]).isLessThanOrEqualTo(1);
    }

    private static List<Wanted> requests(int count, long firstSeed) {
        List<Wanted> requests = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            requests.add(new Wanted(i % 10, firstSeed + i));
        }
        return requests;
    }

    private static long[] histogram(DecoderOptions options, long firstSeed) {
        long[] counts = new long[64];
        List<Wanted> requests = new ArrayList<>();
        for (int i = 0; i < 3_000; i++) {
            requests.add(new Wanted(2, firstSeed + i));
        }
        try (Loop decoder = decoder(Sampling.of().temperature(0.2f), options.slots(50))) {
            for (int[] tokens : tokens(decoder.run(requests))) {
                counts[tokens[1] / 16 * 8 + tokens[2] / 16]++;
            }
        }
        return counts;
    }

    private static double distance(long[] a, long[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            if (a[i] + b[i] > 0) {
                sum += Math.pow(a[i] - b[i], 2) / (a[i] + b[i]);
            }
        }
        return sum;
    }
}
