package org.coolsd;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** As a block, with budgets, and with draft rows that change; see {@link Conformance}. A class of its own runs beside the other. */
class BlockConformanceTest extends Conformance {
    @Test
    void asABlock() {
        run(new Random(8), 100_000, 600, 6, 1, random -> Acceptance.block());
    }

    /** With every rule that has one, the drift of a position is within its budget. */
    @Test
    void budgets() {
        Random random = new Random(9);
        for (int n = 0; n < TestBackend.cases(20_000); n++) {
            Acceptance acceptance = random.nextBoolean() ? Acceptance.block() : Acceptance.token();
            compare(new RandomCase(random, 600, 6, 1, acceptance, Schedule.Factors.BUDGET));
        }
        report();
        assertThat(near).isLessThanOrEqualTo(Math.max(3, compared / 500));
    }

    /** A draft row that has changed since its token was sampled is found out where it is read, and only there. */
    @Test
    void changedRowsAreFoundWhereTheyAreRead() {
        Random random = new Random(12);
        Map<Status, Integer> seen = new EnumMap<>(Status.class);
        for (int n = 0; n < TestBackend.cases(20_000); n++) {
            RandomCase one = new RandomCase(random, 100, 4, 1, either(random), Schedule.Factors.GIVEN);
            RandomCase.Sequence sequence = one.sequences[0];
            int v = random.nextInt(one.vocab);
            float value = new float[] {Float.NaN, Float.POSITIVE_INFINITY, 1000}[random.nextInt(3)];
            boolean plain = sequence.draftLogits != null && sequence.draftLogits.unconditional() == null;
            if (!plain || !inWindow(sequence.target, v) || !inWindow(sequence.draft, v)) {
                continue;
            }
            try (Verifier verifier = TestBackend.open(one.spec())) {
                Step step = verifier.step(1);
                one.begin(step, 0);
                for (int i = 0; i < sequence.length(); i++) {
                    step.sampleDraft(sequence.draftLogits.row(i));
                    sequence.tokens[i] = step.draftToken(0, i);
                }
                if (sequence.length() == 0) {
                    continue;
                }
                int row = random.nextInt(sequence.length());
                one.overwrite(sequence, row, v, value);
                step.verify(sequence.targetLogits, sequence.draftLogits);
                Status bad =
                        Float.isNaN(value) ? Status.NAN : Float.isInfinite(value) ? Status.INFINITE : Status.NORMALISER;
                RandomCase.Judged judged = one.judgeChanged(0, row, v, bad);
                if (judged.margin() >= MARGIN) {
                    assertThat(step.status(0)).as(one + ", row " + row).isEqualTo(judged.status());
                    seen.merge(judged.status(), 1, Integer::sum);
                }
            }
        }
        System.out.println("changed rows: " + seen);
        assertThat(seen).containsOnlyKeys(Status.OK, Status.NAN, Status.INFINITE, Status.NORMALISER);
    }

    /** The library is told from a reference with any of the planted defects. */
    @ParameterizedTest
    @EnumSource
    void blocksHaveNoneOfTheDefects(ReferenceBlock.Defect defect) {
        Random random = new Random(11);
        int differ = 0;
        for (int n = 0; n < TestBackend.cases(3_000); n++) {
            RandomCase one = new RandomCase(random, 100, 4, 1, Acceptance.block(), Schedule.Factors.GIVEN);
            try (Verifier verifier = TestBackend.open(one.spec())) {
                Verdict verdict = one.run(verifier).verdict(0);
                var right = one.expected(0, one.factors()[0]);
                var wrong = one.expected(0, one.factors()[0], defect);
                if (Math.min(right.margin(), Math.min(wrong.margin(), one.sequences[0].margin)) >= MARGIN) {
                    differ += Arrays.equals(tokens(verdict), wrong.tokens()) ? 0 : 1;
                }
            }
        }
        if (defect == ReferenceBlock.Defect.NONE) {
            assertThat(differ).isZero();
        } else {
            assertThat(differ).isGreaterThan(TestBackend.cases(3_000) / 200);
        }
    }

    private static boolean inWindow(Sampling sampling, int v) {
        return sampling.windowTo() == 0 || sampling.windowFrom() <= v && v < sampling.windowTo();
    }
}
