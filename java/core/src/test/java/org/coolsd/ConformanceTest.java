package org.coolsd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Native decisions equal the float64 reference's, except where a decision lies within 1e-6 of its boundary in
 * probability; how many do is printed, and that they are few is asserted.
 */
class ConformanceTest {
    private static final double MARGIN = 1e-6;

    private int compared;
    private int near;

    @Test
    void tokenByToken() {
        run(new Random(1), 100_000, 600, 6, 1, ConformanceTest::tokens);
    }

    @Test
    void asABlock() {
        run(new Random(8), 100_000, 600, 6, 1, random -> Acceptance.block());
    }

    @Test
    void largeVocabulariesAndLongDrafts() {
        run(new Random(2), 60, 131_072, 3, 1, ConformanceTest::either);
        run(new Random(3), 300, 64, 64, 1, ConformanceTest::either);
    }

    @Test
    void batches() {
        run(new Random(4), 1_000, 3_000, 4, 3, ConformanceTest::either);
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

    private static Acceptance tokens(Random random) {
        return random.nextInt(3) > 0 ? Acceptance.token() : Acceptance.token().affine(1.2 * random.nextDouble());
    }

    private static Acceptance either(Random random) {
        return random.nextBoolean() ? Acceptance.block() : tokens(random);
    }

    private void run(
            Random random, int cases, int largest, int longest, int batch, Function<Random, Acceptance> acceptances) {
        for (int n = 0; n < TestBackend.cases(cases); n++) {
            Acceptance acceptance = acceptances.apply(random);
            boolean affine = acceptance instanceof Acceptance.Token token && token.affine() > 0;
            Schedule.Factors factors =
                    switch (random.nextInt(4)) {
                        case 0 -> affine ? Schedule.Factors.GIVEN : Schedule.Factors.BUDGET;
                        case 1 -> Schedule.Factors.ENTROPY;
                        default -> Schedule.Factors.GIVEN;
                    };
            compare(new RandomCase(random, largest, longest, batch, acceptance, factors));
        }
        report();
        assertThat(near).isLessThanOrEqualTo(Math.max(3, compared / 500));
    }

    private void report() {
        System.out.printf("%d of %d sequences lie within %s of a boundary%n", near, compared, MARGIN);
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

    private static int[] tokens(Verdict verdict) {
        int[] tokens = new int[verdict.length()];
        Arrays.setAll(tokens, verdict::token);
        return tokens;
    }

    private void compare(RandomCase one) {
        double[][] factors = one.factors();
        try (Verifier verifier = TestBackend.open(one.spec().report(one.reports()))) {
            Step step = one.run(verifier);
            for (int b = 0; b < one.batch; b++) {
                compare(one, b, step.verdict(b), factors[b]);
            }
        }
    }

    private void compare(RandomCase one, int b, Verdict verdict, double[] factors) {
        String what = one + ", sequence " + b;
        RandomCase.Sequence sequence = one.sequences[b];
        checkFactors(one, sequence, factors, what);
        var expected = one.expected(b, factors);
        compared++;
        if (Math.min(expected.margin(), sequence.margin) < MARGIN) {
            near++;
            return;
        }
        assertThat(verdict.status()).as(what).isEqualTo(Status.OK);
        int[] tokens = tokens(verdict);
        assertThat(tokens).as(what).isEqualTo(expected.tokens());
        for (int i = 0; i < tokens.length; i++) {
            double p = sequence.p[i][tokens[i]];
            assertThat(verdict.logProb(i)).as(what).isCloseTo(Math.log(p), within(1e-5));
            assertThat(verdict.factor(i)).as(what).isEqualTo(i < factors.length ? factors[i] : 1);
            if (one.certified()) {
                double law = p / expected.ratio()[i];
                assertThat(p / verdict.ratio(i)).as(what).isCloseTo(law, within(2e-6));
                double drift = i < factors.length ? expected.drift()[i] : 0;
                assertThat(verdict.drift(i)).as(what).isCloseTo(drift, within(2e-6));
                if (one.schedule.factors() == Schedule.Factors.BUDGET && i < factors.length) {
                    assertThat(verdict.drift(i)).as(what).isLessThanOrEqualTo(sequence.budget[i]);
                }
            }
        }
    }

    private static void checkFactors(RandomCase one, RandomCase.Sequence s, double[] factors, String what) {
        for (int i = 0; i < factors.length; i++) {
            switch (one.schedule.factors()) {
                case BUDGET -> checkBudget(s.p[i], s.q[i], s.budget[i], s.omega[i], factors[i], what);
                case ENTROPY -> assertThat(factors[i])
                        .as(what)
                        .isCloseTo(
                                ReferenceVerifier.entropyFactor(s.p[i], s.window(), s.omega[i]),
                                within(1e-5 * (1 + s.omega[i])));
                case GIVEN -> assertThat(factors[i]).as(what).isEqualTo(s.omega[i]);
            }
        }
    }

    /**
     * The factor is at most the exact one. What it leaves of the budget, or of the drift that there can be, is at most a sixteenth
     * of the draft's probability of the tokens whose Q/P lie close to it; what lies beyond 2^16 is one bin.
     */
    private static void checkBudget(double[] p, double[] q, double budget, double cap, double omega, String what) {
        double most = Math.min(cap, 0x1p64);
        double exact = ReferenceVerifier.budgetFactor(p, q, budget, most);
        assertThat(omega).as(what).isBetween(1.0, exact * (1 + 1e-7));
        if (budget == 0) {
            assertThat(omega).as(what).isEqualTo(1);
        }
        double spent = 0;
        double possible = 0;
        double left = 5e-6;
        for (int v = 0; v < p.length; v++) {
            if (p[v] > 0) {
                spent += Math.min(Math.max(q[v] - p[v], 0), (omega - 1) * p[v]);
                possible += Math.min(Math.max(q[v] - p[v], 0), Math.max(most - 1, 0) * p[v]);
                double ratio = q[v] / p[v];
                left += ratio > 6e4 ? q[v] : Math.abs(Math.log(ratio / omega)) < 0.13 ? q[v] / 16 : 0;
            }
        }
        assertThat(spent).as(what).isLessThanOrEqualTo(budget + 1e-9);
        assertThat(spent).as(what).isGreaterThan(Math.min(budget, possible) - left);
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
