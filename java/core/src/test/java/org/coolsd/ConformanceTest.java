package org.coolsd;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Token by token: decisions, reports and statuses; see {@link Conformance}. */
class ConformanceTest extends Conformance {
    @Test
    void tokenByToken() {
        run(new Random(1), 100_000, 600, 6, 1, Conformance::tokens);
    }

    @Test
    void largeVocabulariesAndLongDrafts() {
        run(new Random(2), 60, 131_072, 3, 1, Conformance::either);
        run(new Random(3), 300, 64, 64, 1, Conformance::either);
    }

    @Test
    void batches() {
        run(new Random(4), 1_000, 3_000, 4, 3, Conformance::either);
    }

    @Test
    void lanternWithEitherResidual() {
        Random random = new Random(5);
        for (int n = 0; n < TestBackend.cases(10_000); n++) {
            float[] codebook = new float[2 * RandomCase.vocab(random, 200)];
            for (int i = 0; i < codebook.length; i++) {
                codebook[i] = random.nextInt(8);
            }
            NeighbourTable table = NeighbourTable.nearest(codebook, 2, 1 + random.nextInt(codebook.length / 2 - 1));
            Lantern lantern = random.nextBoolean()
                    ? Lantern.of(table, random.nextDouble() / 2)
                    : Lantern.plusPlus(table, 1 + 2 * random.nextDouble());
            Lantern used = random.nextBoolean() ? lantern.optimalResidual() : lantern;
            compare(new RandomCase(random, 200, 4, 1, used, Schedule.Factors.GIVEN));
        }
        report();
        // Pooled sums at the bound are a boundary of their own, which ties in the codebook make frequent.
        assertThat(near).isLessThan(compared / 50);
    }

    /** What is wrong with a sequence is its status, by the order of judging, and leaves the others alone. */
    @Test
    void whatIsWrongIsTheStatus() {
        Random random = new Random(10);
        Map<Status, Integer> seen = new EnumMap<>(Status.class);
        for (int n = 0; n < TestBackend.cases(10_000); n++) {
            RandomCase one = RandomCase.spoilt(random, 100, 4, 3, either(random));
            double[][] factors = one.factors();
            try (Verifier verifier = TestBackend.open(one.spec().report(one.reports()))) {
                Step step = one.run(verifier);
                for (int b = 0; b < one.batch; b++) {
                    RandomCase.Judged judged = one.judge(b, factors[b]);
                    if (judged.margin() < MARGIN) {
                        continue;
                    }
                    assertThat(step.status(b)).as(one + ", sequence " + b).isEqualTo(judged.status());
                    seen.merge(judged.status(), 1, Integer::sum);
                    if (judged.status() == Status.OK && one.sequences[b].faults == 0) {
                        compare(one, b, step.verdict(b), factors[b]);
                    } else if (judged.status() != Status.OK) {
                        assertThat(step.verdict(b).length()).isZero();
                    }
                }
            }
        }
        System.out.println("statuses: " + seen);
        assertThat(seen)
                .containsOnlyKeys(
                        Status.OK,
                        Status.NAN,
                        Status.INFINITE,
                        Status.EMPTY,
                        Status.TOKEN_OUT_OF_RANGE,
                        Status.SAMPLING,
                        Status.FACTOR);
    }

    /** With the normalisers that sampling found, decisions are those without them. */
    @Test
    void normalisersChangeNothing() {
        Random random = new Random(6);
        for (int n = 0; n < TestBackend.cases(3_000); n++) {
            Schedule.Factors factors = Schedule.Factors.values()[random.nextInt(3)];
            Acceptance acceptance = random.nextBoolean() ? Acceptance.block() : Acceptance.token();
            RandomCase one = new RandomCase(random, 5_000, 4, 1, acceptance, factors);
            if (one.length == 0) {
                continue;
            }
            try (Verifier verifier = TestBackend.open(one.spec())) {
                Step step = verifier.step(1);
                one.begin(step, 0);
                for (int i = 0; i < one.length; i++) {
                    step.sampleDraft(one.sequences[0].draftLogits.row(i));
                }
                step.verify(one.sequences[0].targetLogits, one.sequences[0].draftLogits);
                int[] drafted = new int[one.length];
                Arrays.setAll(drafted, i -> step.draftToken(0, i));
                Step other = verifier.step(1);
                one.begin(other, 0);
                other.draft(0, drafted, drafted.length);
                other.verify(one.sequences[0].targetLogits, one.sequences[0].draftLogits);
                assertThat(step.verdict(0).length())
                        .as(one.toString())
                        .isEqualTo(other.verdict(0).length());
                for (int i = 0; i < step.verdict(0).length(); i++) {
                    assertThat(step.verdict(0).token(i))
                            .as(one.toString())
                            .isEqualTo(other.verdict(0).token(i));
                }
            }
        }
    }

    @Test
    void aBatchDecidesWhatItsSequencesDecideAlone() {
        Random random = new Random(7);
        for (int n = 0; n < TestBackend.cases(500); n++) {
            Schedule.Factors factors = Schedule.Factors.values()[random.nextInt(3)];
            Acceptance acceptance = random.nextBoolean() ? Acceptance.block() : Acceptance.token();
            RandomCase one = new RandomCase(random, 1_000, 4, 4, acceptance, factors);
            try (Verifier verifier = TestBackend.open(one.spec())) {
                Step together = one.run(verifier);
                for (int b = 0; b < one.batch; b++) {
                    RandomCase.Sequence sequence = one.sequences[b];
                    Step alone = verifier.step(1);
                    one.begin(alone, b, 0);
                    alone.draft(0, sequence.tokens, sequence.length());
                    alone.verify(sequence.targetLogits, sequence.draftLogits);
                    assertThat(alone.verdict(0).length())
                            .as(one.toString())
                            .isEqualTo(together.verdict(b).length());
                    for (int i = 0; i < alone.verdict(0).length(); i++) {
                        assertThat(alone.verdict(0).token(i))
                                .as(one.toString())
                                .isEqualTo(together.verdict(b).token(i));
                    }
                }
            }
        }
    }
}
