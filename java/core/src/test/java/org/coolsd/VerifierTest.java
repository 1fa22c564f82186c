package org.coolsd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.Test;

class VerifierTest {
    private static final int ACCEPT = 1;
    private static final int RESAMPLE = 2;
    private static final int BONUS = 3;

    @Test
    void decisionsEqualTheReference() {
        Random random = new Random(1);
        int cases = 20_000;
        int near = 0;
        for (int n = 0; n < cases; n++) {
            int vocab = (int) Math.exp(Math.log(2) + random.nextDouble() * Math.log(300));
            int length = random.nextInt(7);
            double[] factors = random.doubles(length, 0, 3).toArray();
            float temperature = 0.3f + random.nextFloat();
            float[] target = logits(random, (length + 1) * vocab);
            float[] draft = logits(random, length * vocab);
            int[] tokens = random.ints(length, 0, vocab).toArray();
            long seed = random.nextLong();
            long position = random.nextLong() >>> random.nextInt(64);
            Schedule.Drafts schedule = Schedule.explicit(factors).draftLength(length);
            double[][] p = rows(target, vocab, temperature);
            double[][] q = rows(draft, vocab, temperature);
            double[] u = new double[length];
            double[] resample = new double[length];
            for (int i = 0; i < length; i++) {
                u[i] = Philox.uniform(seed, position + i, ACCEPT);
                resample[i] = Philox.uniform(seed, position + i, RESAMPLE);
            }
            double bonus = Philox.uniform(seed, position + length, BONUS);
            var expected = ReferenceVerifier.verify(p, q, tokens, schedule.omega(), u, resample, bonus);
            try (Verifier verifier = Verifier.open(
                    Backend.cpu(),
                    VerifierSpec.of(vocab, schedule, Sampling.of().temperature(temperature))
                            .report(VerifierSpec.Report.DRIFT))) {
                Verdict verdict = verifier.verify(
                        Logits.copyOf(target, length + 1, vocab),
                        length == 0 ? null : Logits.copyOf(draft, length, vocab),
                        tokens,
                        seed,
                        position);
                assertThat(verdict.status()).isEqualTo(Status.OK);
                if (expected.margin() < 1e-6) {
                    near++;
                    continue;
                }
                assertThat(verdict.accepted()).isEqualTo(expected.accepted());
                for (int i = 0; i < verdict.length(); i++) {
                    assertThat(verdict.token(i)).isEqualTo(expected.tokens()[i]);
                }
                assertThat(verdict.drift()).isCloseTo(expected.drift(), within(1e-6));
            }
        }
        System.out.println(near + " of " + cases + " cases lie within 1e-6 of a boundary");
        assertThat(near).isLessThan(cases / 100);
    }

    /**
     * Chi-square of the first token of a step against Phat's closed form, 200 000 steps. The statistic has V - 1 = 11
     * degrees of freedom; 60 is exceeded with probability below 1e-8 by the right law. The mutant, a residual without
     * omega, must exceed it.
     */
    @Test
    void theFirstTokenFollowsItsLawAndAMutantDoesNot() {
        int vocab = 12;
        Random random = new Random(3);
        float[] target = logits(random, 2 * vocab);
        float[] draft = logits(random, vocab);
        double[] p = rows(target, vocab, 1)[0];
        double[] q = rows(draft, vocab, 1)[0];
        for (double omega : new double[] {0.4, 1, 1.7}) {
            double[] law = law(p, q, omega, ReferenceVerifier.residual(p, q, omega));
            long[] counts = new long[vocab];
            Logits targetLogits = Logits.copyOf(target, 2, vocab);
            Logits draftLogits = Logits.copyOf(draft, 1, vocab);
            VerifierSpec spec = VerifierSpec.of(vocab, Schedule.uniform(omega).draftLength(1), Sampling.of());
            int steps = 200_000;
            try (Verifier verifier = Verifier.open(Backend.cpu(), spec)) {
                int[] token = new int[1];
                for (int seed = 0; seed < steps; seed++) {
                    token[0] = verifier.sample(draftLogits, Purpose.DRAFT, seed, 9);
                    counts[
                            verifier.verify(targetLogits, draftLogits, token, seed, 9)
                                    .token(0)]++;
                }
            }
            assertThat(chiSquare(counts, law, steps)).isLessThan(60);
            if (omega < 1) {
                double[] mutant = law(p, q, omega, ReferenceVerifier.residual(p, q, 1));
                assertThat(chiSquare(counts, mutant, steps)).isGreaterThan(60);
            }
        }
    }

    private static double[] law(double[] p, double[] q, double omega, double[] residual) {
        double accepted = 0;
        double mass = 0;
        for (int v = 0; v < p.length; v++) {
            accepted += q[v] * ReferenceVerifier.acceptance(p[v], q[v], omega);
            mass += residual[v];
        }
        double[] law = new double[p.length];
        for (int v = 0; v < p.length; v++) {
            law[v] = q[v] * ReferenceVerifier.acceptance(p[v], q[v], omega) + (1 - accepted) * residual[v] / mass;
        }
        return law;
    }

    private static double chiSquare(long[] counts, double[] law, int n) {
        double sum = 0;
        for (int v = 0; v < law.length; v++) {
            sum += Math.pow(counts[v] - n * law[v], 2) / (n * law[v]);
        }
        return sum;
    }

    @Test
    void omegaZeroIsPlainSamplingFromTheTarget() {
        int vocab = 40;
        float[] target = logits(new Random(5), 3 * vocab);
        float[] draft = logits(new Random(6), 2 * vocab);
        Logits row = Logits.copyOf(java.util.Arrays.copyOf(target, vocab), 1, vocab);
        double[] p = rows(target, vocab, 1)[0];
        VerifierSpec spec = VerifierSpec.of(vocab, Schedule.uniform(0).draftLength(2), Sampling.of());
        try (Verifier verifier = Verifier.open(Backend.cpu(), spec)) {
            for (int seed = 0; seed < 1000; seed++) {
                Verdict verdict = verifier.verify(
                        Logits.copyOf(target, 3, vocab), Logits.copyOf(draft, 2, vocab), new int[] {3, 4}, seed, 0);
                assertThat(verdict.accepted()).isZero();
                double u = Philox.uniform(seed, 0, RESAMPLE);
                double reached = 0;
                int expected = 0;
                while ((reached += p[expected]) <= u) {
                    expected++;
                }
                assertThat(verdict.token(0)).isEqualTo(expected);
            }
            assertThat(verifier.sample(row, Purpose.BONUS, 1, 0))
                    .isEqualTo(verifier.verify(row, null, new int[0], 1, 0).token(0));
        }
    }

    @Test
    void temperatureZeroIsGreedyMatching() {
        int vocab = 5;
        float[] target = {0, 3, 3, 1, 0, /**/ 9, 0, 0, 0, 0, /**/ 0, 0, 0, 0, 1};
        float[] draft = new float[2 * vocab];
        VerifierSpec spec = VerifierSpec.of(
                        vocab, Schedule.lossless().draftLength(2), Sampling.of().temperature(0))
                .draft(Sampling.of());
        try (Verifier verifier = Verifier.open(Backend.cpu(), spec)) {
            Logits t = Logits.copyOf(target, 3, vocab);
            Logits d = Logits.copyOf(draft, 2, vocab);
            Verdict verdict = verifier.verify(t, d, new int[] {1, 0}, 1, 0);
            assertThat(verdict.accepted()).isEqualTo(2);
            assertThat(verdict.token(2)).isEqualTo(4);
            verdict = verifier.verify(t, d, new int[] {2, 0}, 1, 0);
            assertThat(verdict.accepted()).isZero();
            assertThat(verdict.token(0)).isEqualTo(1);
        }
    }

    @Test
    void guidanceMixesConditionalAndUnconditional() {
        int vocab = 30;
        Random random = new Random(7);
        float[] conditional = new float[vocab];
        float[] unconditional = new float[vocab];
        float[] mixed = new float[vocab];
        for (int v = 0; v < vocab; v++) {
            conditional[v] = (float) random.nextGaussian();
            unconditional[v] = (float) random.nextGaussian();
            mixed[v] = unconditional[v] + 4 * (conditional[v] - unconditional[v]);
        }
        Schedule.Drafts none = Schedule.lossless().draftLength(0);
        try (Verifier guided = Verifier.open(
                        Backend.cpu(),
                        VerifierSpec.of(vocab, none, Sampling.of().guidance(4)));
                Verifier plain = Verifier.open(Backend.cpu(), VerifierSpec.of(vocab, none, Sampling.of()))) {
            Logits both = Logits.copyOf(conditional, 1, vocab).guidedBy(Logits.copyOf(unconditional, 1, vocab));
            for (int seed = 0; seed < 500; seed++) {
                assertThat(guided.sample(both, Purpose.BONUS, seed, 1))
                        .isEqualTo(plain.sample(Logits.copyOf(mixed, 1, vocab), Purpose.BONUS, seed, 1));
            }
        }
    }

    @Test
    void wrongUseIsNamed() {
        Schedule.Drafts schedule = Schedule.exponential(1.1).draftLength(2);
        Verifier verifier = Verifier.open(Backend.cpu(), VerifierSpec.of(4, schedule, Sampling.of()));
        Logits two = Logits.copyOf(new float[8], 2, 4);
        assertThatThrownBy(() -> verifier.verify(two, two, new int[2], 0, 0))
                .hasMessage("target is [2, 4], it must be [3, 4]");
        assertThatThrownBy(() ->
                        verifier.sample(Logits.copyOf(new float[] {0, Float.NaN, 0, 0}, 1, 4), Purpose.DRAFT, 0, 12))
                .hasMessage("no token can be sampled at position 12: status NAN");
        verifier.close();
        verifier.close();
        assertThatThrownBy(() -> verifier.verify(two, two, new int[2], 0, 0)).hasMessage("the verifier is closed");
        assertThatThrownBy(() -> Schedule.exponential(-1))
                .hasMessage("delta is -1.0, it must be finite and at least 0");
        assertThatThrownBy(() -> Backend.cuda(0)).hasMessage("this build of coolsd has no CUDA backend");
        assertThat(Backend.auto().toString()).isEqualTo("cpu (this build of coolsd has no CUDA backend)");
    }

    @Test
    void theExponentialScheduleIsThePapers() {
        float[] omega = Schedule.exponential(1).draftLength(5).omega();
        float[] expected = {2.60f, 1.29f, 0.64f, 0.32f, 0.16f};
        for (int i = 0; i < 5; i++) {
            assertThat(omega[i]).isCloseTo(expected[i], within(0.005f));
        }
    }

    private static float[] logits(Random random, int n) {
        float[] x = new float[n];
        for (int i = 0; i < n; i++) {
            x[i] = random.nextInt(20) == 0 ? Float.NEGATIVE_INFINITY : (float) random.nextGaussian() * 2;
        }
        for (int i = 0; i < n; i += 2) {
            x[i] = (float) random.nextGaussian();
        }
        return x;
    }

    private static double[][] rows(float[] logits, int vocab, double temperature) {
        double[][] rows = new double[logits.length / vocab][];
        for (int i = 0; i < rows.length; i++) {
            rows[i] = ReferenceVerifier.softmax(
                    java.util.Arrays.copyOfRange(logits, i * vocab, (i + 1) * vocab), temperature);
        }
        return rows;
    }
}
