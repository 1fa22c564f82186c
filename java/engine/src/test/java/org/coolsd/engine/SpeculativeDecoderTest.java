package org.coolsd.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.coolsd.Backend;
import org.coolsd.Sampling;
import org.coolsd.Schedule;
import org.coolsd.engine.model.EagleConfig;
import org.coolsd.engine.model.EagleDrafter;
import org.coolsd.engine.model.LlamaGen;
import org.coolsd.engine.model.LlamaGenConfig;
import org.coolsd.engine.model.Precision;
import org.junit.jupiter.api.Test;

/** The loop on the tiny official checkpoints: 16 tokens, 128 entries, random weights. */
class SpeculativeDecoderTest {
    @Test
    void greedySpeculationEqualsGreedySampling() throws Exception {
        for (float guidance : new float[] {1, 3}) {
            Sampling greedy = Sampling.of().temperature(0).guidance(guidance);
            try (SpeculativeDecoder plain = decoder(Schedule.lossless().draftLength(0), greedy)) {
                for (int length : new int[] {1, 3, 8, 20}) {
                    try (SpeculativeDecoder speculative =
                            decoder(Schedule.exponential(1.1).draftLength(length), greedy)) {
                        for (int label = 0; label < 10; label++) {
                            assertThat(speculative.decode(label, 5, (n, total) -> {}))
                                    .isEqualTo(plain.decode(label, 5, (n, total) -> {}));
                        }
                    }
                }
            }
        }
    }

    @Test
    void theSameSeedGivesTheSameTokensWhateverWasDecodedBefore() throws Exception {
        Sampling sampling = Sampling.of().guidance(2);
        try (SpeculativeDecoder decoder = decoder(Schedule.exponential(1.1).draftLength(4), sampling)) {
            int[] first = decoder.decode(3, 11, (n, total) -> {});
            int[] other = decoder.decode(4, 12, (n, total) -> {});
            assertThat(decoder.decode(3, 11, (n, total) -> {})).isEqualTo(first).isNotEqualTo(other);
            assertThat(decoder.stats().images()).isEqualTo(3);
            assertThat(decoder.stats().tokens()).isEqualTo(48);
        }
    }

    @Test
    void progressEndsAtTheWholeImage() throws Exception {
        List<Integer> seen = new ArrayList<>();
        try (SpeculativeDecoder decoder = decoder(Schedule.uniform(1.5).draftLength(3), Sampling.of())) {
            decoder.decode(0, 1, (n, total) -> seen.add(n));
        }
        assertThat(seen).isSorted().doesNotHaveDuplicates().endsWith(16);
    }

    /**
     * Lossless decoding has the target's law: the pair of tokens 1 and 2, binned 8 x 8, over 3 000 images each way, so
     * that the counts are of independent pairs. Two-sample chi-square with 63 degrees of freedom; 140 is exceeded by
     * chance with probability below 1e-6. Images decoded with everything accepted must exceed it.
     */
    @Test
    void losslessDecodingHasTheTargetsLaw() throws Exception {
        long[] plain = histogram(Schedule.lossless().draftLength(0), 0);
        long[] lossless = histogram(Schedule.lossless().draftLength(2), 1_000_000);
        long[] relaxed = histogram(Schedule.uniform(1000).draftLength(2), 1_000_000);
        assertThat(distance(plain, lossless)).isLessThan(140);
        assertThat(distance(plain, relaxed)).isGreaterThan(140);
    }

    private static long[] histogram(Schedule.Drafts schedule, long firstSeed) throws Exception {
        long[] counts = new long[64];
        try (SpeculativeDecoder decoder = decoder(schedule, Sampling.of().temperature(0.2f))) {
            for (int i = 0; i < 3_000; i++) {
                int[] tokens = decoder.decode(2, firstSeed + i, (n, total) -> {});
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

    private static SpeculativeDecoder decoder(Schedule.Drafts schedule, Sampling sampling) throws Exception {
        Fixture gpt = Fixture.open("gpt-c2i");
        LlamaGen target =
                LlamaGen.forInference(gpt.config(LlamaGenConfig.class), gpt.weights("model.pt"), Precision.F32);
        Fixture eagle = Fixture.open("eagle-c2i");
        EagleDrafter drafter = EagleDrafter.forInference(
                eagle.config(EagleConfig.class), 4, eagle.weights("pytorch_model.bin"), Precision.F32);
        return new SpeculativeDecoder(target, drafter, schedule, sampling, Backend.cpu());
    }
}
