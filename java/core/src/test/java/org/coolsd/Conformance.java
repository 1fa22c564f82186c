package org.coolsd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import java.util.function.Function;

/**
 * Native decisions equal the float64 reference's, except where a decision lies within 1e-6 of its boundary in
 * probability; how many do is printed, and that they are few is asserted.
 */
abstract class Conformance {
    static final double MARGIN = 1e-6;

    int compared;
    int near;

    static Acceptance tokens(Random random) {
        return random.nextInt(3) > 0 ? Acceptance.token() : Acceptance.token().affine(1.2 * random.nextDouble());
    }

    static Acceptance either(Random random) {
        return random.nextBoolean() ? Acceptance.block() : tokens(random);
    }

    final void run(
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

    final void report() {
        System.out.printf("%d of %d sequences lie within %s of a boundary%n", near, compared, MARGIN);
    }

    static int[] tokens(Verdict verdict) {
        int[] tokens = new int[verdict.length()];
        Arrays.setAll(tokens, verdict::token);
        return tokens;
    }

    final void compare(RandomCase one) {
        double[][] factors = one.factors();
        try (Verifier verifier = TestBackend.open(one.spec().report(one.reports()))) {
            Step step = one.run(verifier);
            for (int b = 0; b < one.batch; b++) {
                compare(one, b, step.verdict(b), factors[b]);
            }
        }
    }

    final void compare(RandomCase one, int b, Verdict verdict, double[] factors) {
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
}
