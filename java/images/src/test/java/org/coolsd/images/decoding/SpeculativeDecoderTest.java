package org.coolsd.images.decoding;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import org.coolsd.Sampling;
import org.coolsd.Schedule;
import org.coolsd.images.ImageRequest;
import org.coolsd.models.tiny.TinyModel;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The loop on the tiny official checkpoints: 16 tokens, 128 entries, random weights. */
class SpeculativeDecoderTest {
    private static TinyModel model;

    @BeforeAll
    static void load() throws Exception {
        model = TinyModel.load();
    }

    @Test
    void greedySpeculationEqualsGreedySampling() {
        for (float guidance : new float[] {1, 3}) {
            Sampling greedy = Sampling.of().temperature(0).guidance(guidance);
            try (SpeculativeDecoder plain =
                    TinyDecoders.of(model, Schedule.lossless().draftLength(0), greedy)) {
                for (int length : new int[] {1, 3, 8, 20}) {
                    Schedule.Drafts schedule = Schedule.exponential(1.1).draftLength(length);
                    try (SpeculativeDecoder speculative = TinyDecoders.of(model, schedule, greedy)) {
                        for (int label = 0; label < 10; label++) {
                            assertThat(decode(speculative, label, 5)).isEqualTo(decode(plain, label, 5));
                        }
                    }
                }
            }
        }
    }

    @Test
    void theSameSeedGivesTheSameTokensWhateverWasDecodedBefore() {
        Sampling sampling = Sampling.of().guidance(2);
        try (SpeculativeDecoder decoder =
                TinyDecoders.of(model, Schedule.exponential(1.1).draftLength(4), sampling)) {
            int[] first = decode(decoder, 3, 11);
            int[] other = decode(decoder, 4, 12);
            assertThat(decode(decoder, 3, 11)).isEqualTo(first).isNotEqualTo(other);
            assertThat(decoder.stats().images()).isEqualTo(3);
            assertThat(decoder.stats().tokens()).isEqualTo(48);
        }
    }

    /** Every token is told once, in order, and steps add up to it. */
    @Test
    void listenersHearEveryTokenAndStep() {
        Schedule.Drafts schedule = Schedule.uniform(1.5).draftLength(3);
        List<ImageRequest> requests =
                List.of(new ImageRequest(1, 1), new ImageRequest(2, 2), new ImageRequest(3, 3), new ImageRequest(4, 4));
        int[][] heard = new int[requests.size()][];
        int[] decided = new int[requests.size()];
        int[] stepped = new int[requests.size()];
        try (SpeculativeDecoder decoder = TinyDecoders.of(
                model, schedule, Sampling.of(), DecoderOptions.of().batch(3))) {
            DecodingListener listener = new DecodingListener() {
                @Override
                public void decided(int image, int[] tokens, int from, int to) {
                    assertThat(from).isEqualTo(decided[image]).isLessThan(to);
                    decided[image] = to;
                    heard[image] = heard[image] == null ? new int[tokens.length] : heard[image];
                    System.arraycopy(tokens, from, heard[image], from, to - from);
                }

                @Override
                public void verified(int image, int drafted, int accepted, double drift) {
                    assertThat(accepted).isBetween(0, drafted);
                    assertThat(drift).isBetween(0.0, drafted * 1.0);
                    stepped[image] += accepted + 1;
                }
            };
            List<int[]> images = decoder.decode(requests, listener, new Cancellation());
            for (int i = 0; i < requests.size(); i++) {
                assertThat(heard[i]).isEqualTo(images.get(i));
                assertThat(stepped[i]).isEqualTo(16);
            }
        }
    }

    @Test
    void cancellationStopsBeforeTheNextStepAndLeavesTheDecoderUsable() {
        try (SpeculativeDecoder decoder = TinyDecoders.of(
                model,
                Schedule.lossless().draftLength(2),
                Sampling.of(),
                DecoderOptions.of().batch(2))) {
            List<ImageRequest> requests = List.of(new ImageRequest(1, 1), new ImageRequest(2, 2));
            List<int[]> whole = decoder.decode(requests, DecodingListener.NONE, new Cancellation());
            Cancellation cancellation = new Cancellation();
            List<Integer> images = new ArrayList<>();
            DecodingListener canceller = new DecodingListener() {
                @Override
                public void decided(int image, int[] tokens, int from, int to) {
                    images.add(image);
                    cancellation.cancel();
                }
            };
            assertThatThrownBy(() -> decoder.decode(requests, canceller, cancellation))
                    .isInstanceOf(CancellationException.class);
            assertThat(images).containsExactly(0, 1);
            assertThat(decoder.decode(requests, DecodingListener.NONE, new Cancellation()))
                    .containsExactlyElementsOf(whole);
        }
    }

    @Test
    void whatAListenerThrowsReachesTheCaller() {
        try (SpeculativeDecoder decoder =
                TinyDecoders.of(model, Schedule.lossless().draftLength(2), Sampling.of())) {
            DecodingListener broken = new DecodingListener() {
                @Override
                public void verified(int image, int drafted, int accepted, double drift) {
                    throw new IllegalStateException("disk full");
                }
            };
            int[] before = decode(decoder, 0, 0);
            assertThatThrownBy(() -> decoder.decode(new ImageRequest(0, 0), broken))
                    .hasMessage("disk full");
            assertThat(decode(decoder, 0, 0)).isEqualTo(before);
        }
    }

    /** An exception in the middle of drafting: the next call knows nothing of it. */
    @Test
    void anExceptionWhileDraftingLeavesTheDecoderUsable() {
        boolean[] broken = {false};
        DraftLength breaking = () -> new DraftLength.Decisions() {
            @Override
            public boolean another(int drafted) {
                if (broken[0]) {
                    throw new IllegalStateException("no idea");
                }
                return true;
            }

            @Override
            public void drafted(double peak) {}

            @Override
            public void verified(int accepted) {}
        };
        try (SpeculativeDecoder decoder = TinyDecoders.of(
                model,
                Schedule.lossless().draftLength(3),
                Sampling.of(),
                DecoderOptions.of().batch(2).draftLength(breaking))) {
            List<ImageRequest> requests = List.of(new ImageRequest(1, 1), new ImageRequest(2, 2));
            List<int[]> before = decoder.decode(requests, DecodingListener.NONE, new Cancellation());
            broken[0] = true;
            assertThatThrownBy(() -> decoder.decode(requests, DecodingListener.NONE, new Cancellation()))
                    .hasMessage("no idea");
            broken[0] = false;
            assertThat(decoder.decode(requests, DecodingListener.NONE, new Cancellation()))
                    .containsExactlyElementsOf(before);
        }
    }

    /** One token's embedding is NaN: the image that draws it fails, and no other image of the same decoder. */
    @Test
    void oneImagesNanIsNotTheNextOnes() throws Exception {
        Schedule.Drafts schedule = Schedule.lossless().draftLength(3);
        int bad;
        int[] good;
        try (SpeculativeDecoder decoder = TinyDecoders.of(model, schedule, Sampling.of())) {
            bad = decode(decoder, 1, 1)[3];
            good = decode(decoder, 2, 2);
        }
        assertThat(good).doesNotContain(bad);
        try (SpeculativeDecoder decoder = TinyDecoders.of(TinyModel.withNanToken(bad), schedule, Sampling.of())) {
            assertThatThrownBy(() -> decode(decoder, 1, 1)).hasMessageContaining("NAN");
            assertThat(decode(decoder, 2, 2)).isEqualTo(good);
        }
        DecoderOptions three = DecoderOptions.of().batch(3);
        try (SpeculativeDecoder decoder =
                TinyDecoders.of(TinyModel.withNanToken(bad), schedule, Sampling.of(), three)) {
            List<ImageRequest> requests = List.of(
                    new ImageRequest(2, 2), new ImageRequest(1, 1), new ImageRequest(2, 2), new ImageRequest(2, 2));
            List<Integer> failed = new ArrayList<>();
            DecodingListener listener = new DecodingListener() {
                @Override
                public void failed(int image, String reason) {
                    failed.add(image);
                }
            };
            assertThatThrownBy(() -> decoder.decode(requests, listener, new Cancellation()))
                    .isInstanceOfSatisfying(DecodingException.class, e -> {
                        assertThat(e).hasMessageContaining("image 1: ").hasMessageContaining("NAN");
                        assertThat(e.failures().keySet()).containsExactly(1);
                        assertThat(e.images()).containsExactly(good, null, good, good);
                    });
            assertThat(failed).containsExactly(1);
        }
    }

    /** The drift of every image keeps to its budget, uses most of it, and a larger budget accepts more. */
    @Test
    void imagesKeepToTheirDriftBudget() {
        double[] accepted = new double[3];
        double[] budgets = {0, 0.5, 3};
        for (int i = 0; i < budgets.length; i++) {
            for (boolean block : new boolean[] {false, true}) {
                Schedule.Drafts drafts = Schedule.budget(budgets[i] / 16).draftLength(4);
                Verification rule =
                        (block ? Verification.block(drafts) : Verification.token(drafts)).driftPerImage(budgets[i]);
                double[] drift = new double[30];
                DecodingListener listener = new DecodingListener() {
                    @Override
                    public void verified(int image, int drafted, int kept, double more) {
                        drift[image] += more;
                    }
                };
                try (SpeculativeDecoder decoder = TinyDecoders.of(
                        model, rule, Sampling.of(), DecoderOptions.of().batch(7))) {
                    decoder.decode(requests(30, 0), listener, new Cancellation());
                    accepted[i] = decoder.stats().acceptedLength();
                    for (double d : drift) {
                        assertThat(d).isLessThanOrEqualTo(budgets[i]);
                    }
                    assertThat(decoder.stats().driftPerImage()).isGreaterThanOrEqualTo(0.3 * budgets[i]);
                }
            }
        }
        assertThat(accepted[1]).isGreaterThan(accepted[0]);
        assertThat(accepted[2]).isGreaterThan(accepted[1]);
    }

    private static List<ImageRequest> requests(int count, long firstSeed) {
        List<ImageRequest> requests = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            requests.add(new ImageRequest(i % 10, firstSeed + i));
        }
        return requests;
    }

    @Test
    void closedDecodersAndForeignDraftersAreRefused() throws Exception {
        Schedule.Drafts schedule = Schedule.lossless().draftLength(3);
        SpeculativeDecoder decoder = TinyDecoders.of(model, schedule, Sampling.of());
        decoder.close();
        decoder.close();
        assertThatThrownBy(() -> decode(decoder, 0, 0)).hasMessageContaining("closed");
        TinyModel other = TinyModel.load();
        assertThatThrownBy(() -> new SpeculativeDecoder(
                        model.target(),
                        other.drafter(),
                        Verification.token(schedule),
                        Sampling.of(),
                        DecoderOptions.of()))
                .hasMessage("drafter was made for another target");
    }

    @Test
    void badRequestsAreNamed() {
        try (SpeculativeDecoder decoder =
                TinyDecoders.of(model, Schedule.lossless().draftLength(2), Sampling.of())) {
            assertThatThrownBy(() -> decode(decoder, 10, 0)).hasMessage("label is 10, it must be 0..9");
        }
        assertThatThrownBy(() -> DecoderOptions.of().batch(0)).hasMessage("batch is 0, it must be at least 1");
        assertThatThrownBy(() -> DecoderOptions.of().threads(0)).hasMessage("threads is 0, at least 1 is needed");
        assertThatThrownBy(() -> DraftLength.adaptive(1.5)).hasMessage("reach is 1.5, it must be 0..1");
    }

    /**
     * Lossless decoding has the target's law, whatever decides the draft length: the pair of tokens 1 and 2, binned 8 x 8,
     * over 3 000 images each way, so that the counts are of independent pairs. Two-sample chi-square with 63 degrees of
     * freedom; 140 is exceeded by chance with probability below 1e-6. Images decoded with everything accepted must exceed
     * it.
     */
    @Test
    void losslessDecodingHasTheTargetsLaw() {
        long[] plain = histogram(Verification.token(Schedule.lossless().draftLength(0)), DraftLength.fixed(), 0);
        Schedule.Drafts two = Schedule.lossless().draftLength(2);
        Schedule.Drafts relaxed = Schedule.uniform(1000).draftLength(2);
        for (boolean block : new boolean[] {false, true}) {
            Verification lossless = block ? Verification.block(two) : Verification.token(two);
            assertThat(distance(plain, histogram(lossless, DraftLength.fixed(), 1_000_000)))
                    .isLessThan(140);
            assertThat(distance(plain, histogram(lossless, DraftLength.adaptive(0.8), 2_000_000)))
                    .isLessThan(140);
            Verification anything = block ? Verification.block(relaxed) : Verification.token(relaxed);
            assertThat(distance(plain, histogram(anything, DraftLength.fixed(), 1_000_000)))
                    .isGreaterThan(140);
        }
    }

    /** Few tokens are worth drafting with random weights, none of them at a reach of 1, all of them at 0. */
    @Test
    void adaptiveDraftsFollowReach() {
        Schedule.Drafts six = Schedule.lossless().draftLength(6);
        double[] drafted = new double[3];
        double[] reaches = {0, 0.5, 1};
        for (int i = 0; i < 3; i++) {
            try (SpeculativeDecoder decoder = TinyDecoders.of(
                    model, six, Sampling.of(), DecoderOptions.of().draftLength(DraftLength.adaptive(reaches[i])))) {
                for (int seed = 0; seed < 20; seed++) {
                    decode(decoder, seed % 10, seed);
                }
                drafted[i] =
                        (double) decoder.stats().drafted() / decoder.stats().steps();
            }
        }
        try (SpeculativeDecoder decoder = TinyDecoders.of(model, six, Sampling.of())) {
            for (int seed = 0; seed < 20; seed++) {
                decode(decoder, seed % 10, seed);
            }
            assertThat(drafted[0])
                    .isEqualTo(
                            (double) decoder.stats().drafted() / decoder.stats().steps());
        }
        assertThat(drafted[0]).isGreaterThan(drafted[1]);
        assertThat(drafted[1]).isGreaterThan(drafted[2]);
        assertThat(drafted[2]).isLessThanOrEqualTo(1);
    }

    private static int[] decode(SpeculativeDecoder decoder, int label, long seed) {
        return decoder.decode(new ImageRequest(label, seed), DecodingListener.NONE);
    }

    private static long[] histogram(Verification verification, DraftLength length, long firstSeed) {
        long[] counts = new long[64];
        List<ImageRequest> requests = new ArrayList<>();
        for (int i = 0; i < 3_000; i++) {
            requests.add(new ImageRequest(2, firstSeed + i));
        }
        try (SpeculativeDecoder decoder = TinyDecoders.of(
                model,
                verification,
                Sampling.of().temperature(0.2f),
                DecoderOptions.of().batch(50).draftLength(length))) {
            for (int[] tokens : decoder.decode(requests, DecodingListener.NONE, new Cancellation())) {
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
