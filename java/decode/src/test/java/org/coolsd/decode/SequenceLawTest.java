package org.coolsd.decode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import org.coolsd.Acceptance;
import org.coolsd.Sampling;
import org.coolsd.Schedule;
import org.coolsd.VerifierSpec;
import org.coolsd.testing.ChiSquare;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Whole sequences, as decoded in batches, against the target's law: Pearson's statistic over all sequences there are, with a
 * false alarm once in 10^9 runs. Each drafter's defect must be seen by the same test.
 */
class SequenceLawTest {
    private static final int VOCAB = 3;
    private static final int LENGTH = 5;
    private static final int SEQUENCES = 40_000;

    private static Drafter<Integer> drafter(String name) {
        return switch (name) {
            case "model" -> new PrefixDrafter(new PrefixTarget(VOCAB, 1.2));
            case "jacobi" -> Drafter.jacobi();
            case "coupled" -> Drafter.coupled();
            case "lookup" -> Drafter.lookup(1);
            default -> throw new IllegalArgumentException(name);
        };
    }

    private static Acceptance acceptance(String name) {
        return name.equals("block") ? Acceptance.block() : Acceptance.token();
    }

    @ParameterizedTest
    @CsvSource({
        "model,token",
        "model,block",
        "jacobi,token",
        "jacobi,block",
        "coupled,token",
        "lookup,token",
        "lookup,block"
    })
    void losslessSequencesHaveTheTargetsLaw(String drafter, String rule) {
        DecoderOptions options = DecoderOptions.of(4).slots(16).acceptance(acceptance(rule));
        double excess = excess(drafter(drafter), options, position -> Window.ALL);
        assertThat(excess).isLessThan(1);
    }

    @ParameterizedTest
    @CsvSource({
        "model,token",
        "model,block",
        "jacobi,token",
        "jacobi,block",
        "coupled,token",
        "lookup,token",
        "lookup,block"
    })
    void draftsOfAnotherLawThanTheyWereDrawnFromAreSeen(String drafter, String rule) {
        DecoderOptions options = DecoderOptions.of(4).slots(16).acceptance(acceptance(rule));
        double excess = excess(new FlatRows<>(drafter(drafter)), options, position -> Window.ALL);
        assertThat(excess).isGreaterThan(1);
    }

    @ParameterizedTest
    @CsvSource({
        "model,token",
        "model,block",
        "jacobi,token",
        "jacobi,block",
        "coupled,token",
        "lookup,token",
        "lookup,block"
    })
    void forcedTokensAndWindowsBindEverything(String drafter, String rule) {
        IntFunction<Window> allowed = position -> switch (position) {
            case 0, 3 -> new Window(0, 2);
            case 2 -> Window.forced(1);
            default -> new Window(1, 3);
        };
        DecoderOptions options = DecoderOptions.of(3).slots(16).acceptance(acceptance(rule));
        assertThat(excess(drafter(drafter), options, allowed)).isLessThan(1);
        // The same sequences against the law without windows.
        assertThat(excess(drafter(drafter), options, allowed, new PrefixTarget(VOCAB, 1.5).law(0, LENGTH)))
                .isGreaterThan(1);
    }

    @Test
    void adaptiveDraftsKeepTheLaw() {
        for (String name : List.of("model", "jacobi", "coupled")) {
            DecoderOptions options = DecoderOptions.of(4).slots(16).drafts(DraftPolicy.adaptive(0.5));
            assertThat(excess(drafter(name), options, position -> Window.ALL))
                    .as(name)
                    .isLessThan(1);
        }
    }

    @Test
    void aRelaxedScheduleIsSeen() {
        DecoderOptions options = DecoderOptions.of(4).slots(16).schedule(Schedule.uniform(2));
        for (String name : List.of("model", "jacobi", "coupled")) {
            assertThat(excess(drafter(name), options, position -> Window.ALL))
                    .as(name)
                    .isGreaterThan(1);
        }
    }

    /** Factors from a place on: none of them relaxed is the target's law, and fewer of them drift less. */
    @Test
    void strictPlacesAreLossless() {
        Schedule schedule = Schedule.exponential(2);
        DecoderOptions options = DecoderOptions.of(4).slots(16).drift(true);
        double before = Double.POSITIVE_INFINITY;
        for (int strict : new int[] {0, 2, LENGTH}) {
            DecoderOptions from = options.factors(FactorPolicy.from(strict, schedule));
            double drift = 0;
            try (Decoder<Integer> decoder = new Decoder<>(new PrefixTarget(VOCAB, 1.5), drafter("model"), from)) {
                for (Result result : decoder.decode(requests().subList(0, 2000))) {
                    drift += result.drift();
                }
            }
            assertThat(drift).as("strict " + strict).isLessThan(before);
            before = drift;
        }
        assertThat(before).isZero();
        assertThat(excess(drafter("model"), options.factors(FactorPolicy.from(LENGTH, schedule)), p -> Window.ALL))
                .isLessThan(1);
        assertThatThrownBy(() -> FactorPolicy.from(-1, schedule)).hasMessage("strict is -1, it must be at least 0");
    }

    /** The reported drift bounds the distance of relaxed sequences, which is larger than chance makes it. */
    @ParameterizedTest
    @CsvSource({"model,token", "model,block", "jacobi,token", "jacobi,block", "coupled,token"})
    void relaxedSequencesAreWithinTheirDrift(String drafter, String rule) {
        DecoderOptions options = DecoderOptions.of(4)
                .slots(16)
                .acceptance(acceptance(rule))
                .schedule(Schedule.uniform(1.8))
                .report(VerifierSpec.Report.values());
        PrefixTarget model = new PrefixTarget(VOCAB, 1.5);
        double[] law = model.law(0, LENGTH);
        double[] frequencies = new double[law.length];
        double drift = 0;
        double kept = 0;
        try (Decoder<Integer> decoder = new Decoder<>(model, drafter(drafter), options)) {
            for (Result result : decoder.decode(requests())) {
                int code = PrefixTarget.code(result.tokens(), VOCAB);
                frequencies[code] += 1.0 / SEQUENCES;
                drift += result.drift() / SEQUENCES;
                kept += result.kept() / SEQUENCES;
                assertThat(result.logProb()).isCloseTo(Math.log(law[code]), within(1e-4));
            }
        }
        double distance = 0;
        double chance = 0;
        for (int i = 0; i < law.length; i++) {
            distance += Math.abs(frequencies[i] - law[i]) / 2;
            // The mean of |N(0, 1)| is sqrt(2/pi).
            chance += Math.sqrt(law[i] / SEQUENCES * 2 / Math.PI) / 2;
        }
        assertThat(distance).isGreaterThan(1.5 * chance).isLessThan(drift + 1.5 * chance);
        // Both bounds, of which the second is never above 1.
        assertThat(distance).isLessThan(1 - kept + 1.5 * chance);
        assertThat(kept).isBetween(0.0, 1.0);
    }

    @Test
    void coupledDraftsOfBlocksAreRefused() {
        DecoderOptions options = DecoderOptions.of(4).acceptance(Acceptance.block());
        assertThatThrownBy(() -> new Decoder<>(new PrefixTarget(VOCAB, 1.5), Drafter.coupled(), options))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("use jacobi with blocks");
    }

    private static List<Request<Integer>> requests() {
        List<Request<Integer>> requests = new ArrayList<>();
        for (int seed = 0; seed < SEQUENCES; seed++) {
            requests.add(Request.of(0, seed, Sampling.of(), LENGTH));
        }
        return requests;
    }

    private static double excess(Drafter<Integer> drafter, DecoderOptions options, IntFunction<Window> allowed) {
        return excess(drafter, options, allowed, new PrefixTarget(VOCAB, 1.5, allowed).law(0, LENGTH));
    }

    /** Pearson's statistic over its threshold. */
    private static double excess(
            Drafter<Integer> drafter, DecoderOptions options, IntFunction<Window> allowed, double[] law) {
        long[] counts = new long[law.length];
        try (Decoder<Integer> decoder = new Decoder<>(new PrefixTarget(VOCAB, 1.5, allowed), drafter, options)) {
            for (Result result : decoder.decode(requests())) {
                counts[PrefixTarget.code(result.tokens(), VOCAB)]++;
            }
        }
        return ChiSquare.excess(counts, law);
    }
}
