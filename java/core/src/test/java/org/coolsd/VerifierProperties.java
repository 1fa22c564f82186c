package org.coolsd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;

/** What holds for every argument. */
class VerifierProperties {
    @Property(tries = 300)
    void schedulesKeepTheirMeanAndDecrease(
            @ForAll @DoubleRange(min = 0, max = 50) double delta, @ForAll @IntRange(min = 1, max = 64) int length) {
        float[] omega = Schedule.exponential(delta).draftLength(length).omega();
        double mean = 0;
        for (int i = 0; i < length; i++) {
            assertThat(omega[i]).isBetween(0f, i == 0 ? Float.MAX_VALUE : omega[i - 1]);
            mean += omega[i] / length;
        }
        assertThat(mean).isCloseTo(delta, within(1e-4 + 1e-5 * delta));
        for (float factor :
                Schedule.exponential(delta).clamped().draftLength(length).omega()) {
            assertThat(factor).isGreaterThanOrEqualTo(1);
        }
    }

    @Property(tries = 300)
    void aGeometricMeanIsDelta(
            @ForAll @DoubleRange(min = 0.01, max = 50) double delta, @ForAll @IntRange(min = 1, max = 20) int length) {
        float[] omega = new Schedule.Exponential(delta, Schedule.NU, true)
                .draftLength(length)
                .omega();
        double log = 0;
        for (float factor : omega) {
            log += Math.log(factor) / length;
        }
        assertThat(log).isCloseTo(Math.log(delta), within(1e-4));
    }

    @Property(tries = 500)
    void tokensAreInRangeAndTheDraftIsAPrefix(@ForAll long seed) {
        Random random = new Random(seed);
        Acceptance acceptance = random.nextBoolean() ? Acceptance.block() : Acceptance.token();
        Schedule.Factors factors = Schedule.Factors.values()[random.nextInt(3)];
        RandomCase one = new RandomCase(random, 400, 8, 2, acceptance, factors);
        try (Verifier verifier = Verifier.open(Backend.cpu(), one.spec())) {
            Step step = one.run(verifier);
            for (int b = 0; b < 2; b++) {
                Verdict verdict = step.verdict(b);
                assertThat(verdict.status()).isEqualTo(Status.OK);
                assertThat(verdict.accepted()).isBetween(0, one.sequences[b].length());
                for (int i = 0; i < verdict.length(); i++) {
                    assertThat(one.sequences[b].p[i][verdict.token(i)]).isGreaterThan(0);
                    if (i < verdict.accepted()) {
                        assertThat(verdict.token(i)).isEqualTo(one.sequences[b].tokens[i]);
                    }
                }
            }
        }
    }

    @Property(tries = 200)
    void everyBadRowHasItsStatusAndLeavesOthersAlone(
            @ForAll @IntRange(min = 2, max = 5000) int vocab, @ForAll @IntRange(min = 0, max = 3) int kind) {
        float bad = new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, 0}[kind];
        Random random = new Random(vocab);
        float[] rows = new float[3 * vocab];
        for (int i = 0; i < rows.length; i++) {
            rows[i] = (float) random.nextGaussian();
        }
        Schedule.Drafts none = Schedule.lossless().draftLength(0);
        try (Verifier verifier = Verifier.open(Backend.cpu(), VerifierSpec.of(vocab, none, Sampling.of()))) {
            Step step = verifier.step(3);
            int[] before = tokens(step, rows, vocab);
            for (int v = 0; v < vocab; v++) {
                rows[vocab + v] = kind == 2 || v == vocab / 2 ? bad : rows[vocab + v];
            }
            int[] after = tokens(step, rows, vocab);
            Status expected = new Status[] {Status.NAN, Status.INFINITE, Status.EMPTY, Status.OK}[kind];
            assertThat(step.verdict(1).status()).isEqualTo(expected);
            assertThat(after[0]).isEqualTo(before[0]);
            assertThat(after[2]).isEqualTo(before[2]);
        }
    }

    private static int[] tokens(Step step, float[] rows, int vocab) {
        Logits copy = Logits.copyOf(rows, 3, vocab);
        for (int b = 0; b < 3; b++) {
            step.begin(b, b, 5);
        }
        step.verify(Logits.at(copy.address(), Logits.Type.F32, 3, 1, vocab, vocab, vocab), null);
        int[] tokens = new int[3];
        for (int b = 0; b < 3; b++) {
            tokens[b] = step.verdict(b).length() == 0 ? -1 : step.verdict(b).token(0);
        }
        assertThat(copy.rows()).isEqualTo(3);
        return tokens;
    }

    @Property(tries = 200)
    void factorsThatAreNoFactorsAreRefused(@ForAll double delta) {
        if (delta >= 0 && !Double.isInfinite(delta)) {
            assertThat(Schedule.uniform(delta).draftLength(1)).isNotNull();
        } else {
            assertThatThrownBy(() -> Schedule.uniform(delta)).hasMessageContaining("delta is " + delta);
        }
    }

    @Property(tries = 50)
    void neighboursAreTheNearest(@ForAll long seed, @ForAll @IntRange(min = 2, max = 60) int vocab) {
        Random random = new Random(seed);
        float[] codebook = new float[3 * vocab];
        for (int i = 0; i < codebook.length; i++) {
            codebook[i] = random.nextInt(5);
        }
        int k = 1 + random.nextInt(vocab - 1);
        NeighbourTable table = NeighbourTable.nearest(codebook, 3, k);
        for (int x = 0; x < vocab; x++) {
            int entry = x;
            Integer[] order = java.util.stream.IntStream.range(0, vocab)
                    .filter(y -> y != entry)
                    .boxed()
                    .sorted(java.util.Comparator.comparingDouble(y -> distance(codebook, entry, y)))
                    .toArray(Integer[]::new);
            for (int i = 0; i < k; i++) {
                assertThat(table.neighbour(x, i)).isEqualTo(order[i]);
            }
        }
    }

    private static double distance(float[] codebook, int x, int y) {
        double sum = 0;
        for (int j = 0; j < 3; j++) {
            sum += Math.pow(codebook[3 * x + j] - codebook[3 * y + j], 2);
        }
        return sum;
    }
}
