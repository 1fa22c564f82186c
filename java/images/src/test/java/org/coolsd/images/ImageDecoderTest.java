package org.coolsd.images;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.coolsd.Acceptance;
import org.coolsd.Sampling;
import org.coolsd.Schedule;
import org.coolsd.decode.DecoderOptions;
import org.coolsd.decode.DraftPolicy;
import org.coolsd.decode.FactorPolicy;
import org.coolsd.decode.Listener;
import org.coolsd.decode.Result;
import org.coolsd.decode.Ticket;
import org.coolsd.models.TinyModel;
import org.coolsd.models.eagle.EagleModel;
import org.coolsd.models.llamagen.LlamaGenTarget;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Image requests on the tiny official checkpoints: 16 tokens, 128 entries, random weights. */
class ImageDecoderTest {
    private static TinyModel model;

    @BeforeAll
    static void load() throws Exception {
        model = TinyModel.load();
    }

    private static ImageDecoder decoder(TinyModel tiny, Sampling sampling, DecoderOptions options) {
        LlamaGenTarget target = new LlamaGenTarget(tiny.target(), sampling.guidance() != 1, 1);
        return new ImageDecoder(target, new EagleModel(tiny.drafter()), sampling, options);
    }

    private static ImageDecoder decoder(Sampling sampling, DecoderOptions options) {
        return decoder(model, sampling, options);
    }

    @Test
    void greedySpeculationEqualsGreedySampling() {
        for (float guidance : new float[] {1, 3}) {
            Sampling greedy = Sampling.of().temperature(0).guidance(guidance);
            try (ImageDecoder plain = decoder(greedy, DecoderOptions.of(0))) {
                for (int length : new int[] {1, 3, 8, 20}) {
                    DecoderOptions relaxed = DecoderOptions.of(length).schedule(Schedule.exponential(1.1));
                    try (ImageDecoder speculative = decoder(greedy, relaxed)) {
                        for (int label = 0; label < 10; label++) {
                            ImageRequest request = new ImageRequest(label, 5);
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
        try (ImageDecoder decoder = decoder(Sampling.of().guidance(2), options)) {
            int[] first = decoder.tokens(new ImageRequest(3, 11));
            int[] other = decoder.tokens(new ImageRequest(4, 12));
            assertThat(decoder.tokens(new ImageRequest(3, 11))).isEqualTo(first).isNotEqualTo(other);
        }
    }

    @Test
    void countsAreThoseOfTheImages() {
        DecoderOptions options =
                DecoderOptions.of(3).schedule(Schedule.uniform(1.5)).slots(3).drift(true);
        int[] heard = {0};
        try (ImageDecoder decoder = decoder(Sampling.of(), options)) {
            Images images = decoder.decode(requests(4, 0), (position, token) -> heard[0]++);
            assertThat(heard[0]).isEqualTo(64);
            assertThat(images.tokens()).hasSize(4);
            assertThat(images.tokenCount()).isEqualTo(64);
            assertThat(images.acceptedLength()).isEqualTo(64.0 / images.steps()).isBetween(1.0, 4.0);
            assertThat(images.driftPerImage()).isEqualTo(images.drift() / 4).isPositive();
            assertThat(images.failures()).isEmpty();
        }
    }

    @Test
    void aCancelledImageEndsAndLeavesTheDecoderUsable() {
        try (ImageDecoder decoder = decoder(Sampling.of(), DecoderOptions.of(2).slots(2))) {
            List<int[]> whole = decoder.decode(requests(2, 1)).tokens();
            Ticket ended = decoder.submit(requests(2, 1).get(0), Listener.NONE);
            Ticket kept = decoder.submit(requests(2, 1).get(1), Listener.NONE);
            assertThat(decoder.step()).isTrue();
            ended.cancel();
            while (decoder.step()) {
                assertThat(ended.result()).isCompletedExceptionally();
            }
            assertThat(kept.result().join().tokens()).isEqualTo(whole.get(1));
            assertThat(decoder.decode(requests(2, 1)).tokens()).containsExactlyElementsOf(whole);
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
        try (ImageDecoder decoder = decoder(Sampling.of(), options)) {
            List<int[]> before = decoder.decode(requests(2, 1)).tokens();
            broken[0] = true;
            assertThat(decoder.decode(requests(2, 1)).failures())
                    .containsEntry(0, "no idea")
                    .containsEntry(1, "no idea");
            broken[0] = false;
            assertThat(decoder.decode(requests(2, 1)).tokens()).containsExactlyElementsOf(before);
        }
    }

    /** One token's embedding is NaN: the image that draws it fails, and no other image of the same decoder. */
    @Test
    void oneImagesNanIsNotTheNextOnes() throws Exception {
        int bad;
        int[] good;
        try (ImageDecoder decoder = decoder(Sampling.of(), DecoderOptions.of(3))) {
            bad = decoder.tokens(new ImageRequest(1, 1))[3];
            good = decoder.tokens(new ImageRequest(2, 2));
        }
        assertThat(good).doesNotContain(bad);
        List<ImageRequest> requests =
                List.of(new ImageRequest(2, 2), new ImageRequest(1, 1), new ImageRequest(2, 2), new ImageRequest(2, 2));
        for (int slots : new int[] {1, 3}) {
            try (ImageDecoder decoder = decoder(
                    TinyModel.withNanToken(bad),
                    Sampling.of(),
                    DecoderOptions.of(3).slots(slots))) {
                Images images = decoder.decode(requests);
                assertThat(images.failures()).containsOnlyKeys(1);
                assertThat(images.failures().get(1)).contains("NAN");
                assertThat(images.results().get(1)).isNull();
                assertThat(images.tokens()).containsExactly(good, good, good);
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
                try (ImageDecoder decoder = decoder(Sampling.of(), options)) {
                    Images images = decoder.decode(requests(30, 0));
                    accepted[i] = images.acceptedLength();
                    for (Result result : images.made()) {
                        assertThat(result.drift()).isLessThanOrEqualTo(budgets[i]);
                    }
                    assertThat(images.driftPerImage()).isGreaterThanOrEqualTo(0.3 * budgets[i]);
                }
            }
        }
        assertThat(accepted[1]).isGreaterThan(accepted[0]);
        assertThat(accepted[2]).isGreaterThan(accepted[1]);
    }

    @Test
    void closedDecodersForeignDraftersAndBadLabelsAreRefused() throws Exception {
        ImageDecoder decoder = decoder(Sampling.of(), DecoderOptions.of(3));
        assertThatThrownBy(() -> decoder.tokens(new ImageRequest(10, 0)))
                .hasMessageContaining("label is 10, it must be 0..9");
        decoder.close();
        decoder.close();
        assertThatThrownBy(() -> decoder.tokens(new ImageRequest(0, 0))).hasMessageContaining("closed");
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
            try (ImageDecoder decoder =
                    decoder(Sampling.of(), DecoderOptions.of(6).drafts(policies.get(i)))) {
                Images images = decoder.decode(requests(20, 0));
                drafted[i] = (double)
                                images.made().stream().mapToInt(Result::drafted).sum()
                        / images.steps();
            }
        }
        assertThat(drafted[0]).isEqualTo(drafted[3]).isGreaterThan(drafted[1]);
        assertThat(drafted[1]).isGreaterThan(drafted[2]);
        assertThat(drafted[2]).isLessThanOrEqualTo(1);
    }

    private static List<ImageRequest> requests(int count, long firstSeed) {
        List<ImageRequest> requests = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            requests.add(new ImageRequest(i % 10, firstSeed + i));
        }
        return requests;
    }

    private static long[] histogram(DecoderOptions options, long firstSeed) {
        long[] counts = new long[64];
        List<ImageRequest> requests = new ArrayList<>();
        for (int i = 0; i < 3_000; i++) {
            requests.add(new ImageRequest(2, firstSeed + i));
        }
        try (ImageDecoder decoder = decoder(Sampling.of().temperature(0.2f), options.slots(50))) {
            for (int[] tokens : decoder.decode(requests).tokens()) {
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
