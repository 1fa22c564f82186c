package org.coolsd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

class VerifierTest {
    @Test
    void omegaZeroIsPlainSamplingFromTheTarget() {
        int vocab = 40;
        float[] target = logits(new Random(5), 3 * vocab);
        float[] draft = logits(new Random(6), 2 * vocab);
        Logits row = Logits.copyOf(java.util.Arrays.copyOf(target, vocab), 1, vocab);
        double[] p = ReferenceLaw.of(java.util.Arrays.copyOf(target, vocab), null, Sampling.of())
                .p();
        VerifierSpec spec = VerifierSpec.of(vocab, Schedule.uniform(0).draftLength(2), Sampling.of());
        try (Verifier verifier = Verifier.open(Backend.cpu(), spec)) {
            for (int seed = 0; seed < 1000; seed++) {
                Verdict verdict = verifier.verify(
                        Logits.copyOf(target, 3, vocab), Logits.copyOf(draft, 2, vocab), new int[] {3, 4}, seed, 0);
                assertThat(verdict.accepted()).isZero();
                double u = Philox.uniform(seed, 0, Philox.RESAMPLE);
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
        assertThatThrownBy(() -> Backend.cuda(-1)).hasMessage("device is -1, it must be at least 0");
    }

    /** A build without nvcc, or a machine without a driver or device: each says so, and auto takes the CPU. */
    @Test
    void withoutADeviceCudaIsAnErrorAndAutoTheCpu() {
        Backend auto = Backend.auto();
        Assumptions.assumeTrue(auto.name().equals("cpu"), "this machine has a CUDA device");
        assertThat(auto.reason()).matches("this build of coolsd has no CUDA backend|.*(CUDA|driver).*");
        assertThatThrownBy(() -> Backend.cuda(0))
                .isInstanceOf(CoolsdException.class)
                .hasMessage(auto.reason());
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
}
