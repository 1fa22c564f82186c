package org.coolsd;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Random;
import org.bytedeco.javacpp.Pointer;
import org.coolsd.internal.NativeLibrary;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What the library draws has the closed form's law, and each defect that such code has had is told from it by the same
 * test. Every comparison has a false-alarm probability of 1e-9.
 */
class LawTest {
    private static final int SEQUENCES = 60_000;

    /** A decoder of sequences: the library, the reference, or the reference with one planted defect. */
    private enum Decoder {
        LIBRARY,
        REFERENCE,
        RESIDUAL_WITHOUT_OMEGA,
        NUMBERS_BY_SLOT,
        DRAFT_AND_ACCEPT_SHARE_A_STREAM,
        BONUS_ROW_OFF_BY_ONE
    }

    private static final float[] OMEGA = {1.8f, 0.5f};

    /** Sequences of 4 tokens over several steps against the enumeration: joint over positions and over calls. */
    @ParameterizedTest
    @EnumSource
    void sequencesHaveTheEnumeratedLaw(Decoder decoder) {
        MarkovChains chains = new MarkovChains(new Random(5), 3, 4);
        double[] law = chains.decode(OMEGA).law();
        long[] counts = new long[law.length];
        try (Verifier verifier = Verifier.open(
                Backend.cpu(),
                VerifierSpec.of(3, Schedule.explicit(OMEGA[0], OMEGA[1]).draftLength(2), Sampling.of()))) {
            for (int seed = 0; seed < SEQUENCES; seed++) {
                counts[chains.index(decode(chains, decoder, verifier, seed))]++;
            }
        }
        double statistic = ChiSquare.statistic(counts, law, SEQUENCES);
        boolean right = decoder == Decoder.LIBRARY || decoder == Decoder.REFERENCE;
        if (right) {
            assertThat(statistic).isLessThan(ChiSquare.threshold(law.length));
        } else {
            assertThat(statistic).isGreaterThan(ChiSquare.threshold(law.length));
        }
    }

    private static int[] decode(MarkovChains chains, Decoder decoder, Verifier verifier, long seed) {
        int[] tokens = new int[chains.length];
        int decided = 0;
        while (decided < tokens.length) {
            int n = Math.min(OMEGA.length, tokens.length - decided - 1);
            int before = decided == 0 ? 0 : tokens[decided - 1];
            int[] draft = new int[n];
            int last = before;
            for (int i = 0; i < n; i++) {
                draft[i] = draw(chains.q(last), uniform(decoder, seed, decided + i, Philox.DRAFT));
                last = draft[i];
            }
            int[] drawn = decoder == Decoder.LIBRARY
                    ? verify(chains, verifier, before, draft, seed, decided)
                    : verify(chains, decoder, before, draft, seed, decided);
            System.arraycopy(drawn, 0, tokens, decided, drawn.length);
            decided += drawn.length;
        }
        return tokens;
    }

    private static int[] verify(
            MarkovChains chains, Verifier verifier, int before, int[] draft, long seed, int position) {
        int v = chains.vocab;
        float[] target = new float[(draft.length + 1) * v];
        float[] drafts = new float[draft.length * v];
        int last = before;
        for (int i = 0; i <= draft.length; i++) {
            System.arraycopy(chains.target[last], 0, target, i * v, v);
            if (i < draft.length) {
                System.arraycopy(chains.draft[last], 0, drafts, i * v, v);
                last = draft[i];
            }
        }
        Logits rows = draft.length == 0 ? null : Logits.copyOf(drafts, draft.length, v);
        Verdict verdict = verifier.verify(Logits.copyOf(target, draft.length + 1, v), rows, draft, seed, position);
        int[] tokens = new int[verdict.length()];
        Arrays.setAll(tokens, verdict::token);
        return tokens;
    }

    private static int[] verify(
            MarkovChains chains, Decoder decoder, int before, int[] draft, long seed, int position) {
        int last = before;
        for (int i = 0; i < draft.length; i++) {
            double[] p = chains.p(last);
            double[] q = chains.q(last);
            int stream = decoder == Decoder.DRAFT_AND_ACCEPT_SHARE_A_STREAM ? Philox.DRAFT : Philox.ACCEPT;
            double u = uniform(decoder, seed, position + i, stream);
            if (!(u < ReferenceVerifier.acceptanceOf(OMEGA[i] * p[draft[i]], q[draft[i]]))) {
                double[] f = new double[p.length];
                for (int v = 0; v < f.length; v++) {
                    float omega = decoder == Decoder.RESIDUAL_WITHOUT_OMEGA ? 1 : OMEGA[i];
                    f[v] = ReferenceVerifier.acceptanceOf(omega * p[v], q[v]);
                }
                double[] residual = ReferenceVerifier.best(p, q, f);
                return with(draft, i, draw(residual, uniform(decoder, seed, position + i, Philox.RESAMPLE)));
            }
            before = last;
            last = draft[i];
        }
        int n = draft.length;
        int row = decoder == Decoder.BONUS_ROW_OFF_BY_ONE ? before : last;
        return with(draft, n, draw(chains.p(row), uniform(decoder, seed, position + n, Philox.BONUS)));
    }

    private static double uniform(Decoder decoder, long seed, int position, int purpose) {
        // A slot is all that a batch kernel knows without positions: two of them here.
        return Philox.uniform(seed, decoder == Decoder.NUMBERS_BY_SLOT ? position % 2 : position, purpose);
    }

    private static int[] with(int[] draft, int n, int drawn) {
        int[] tokens = Arrays.copyOf(draft, n + 1);
        tokens[n] = drawn;
        return tokens;
    }

    private static int draw(double[] law, double u) {
        double wanted = u * ReferenceVerifier.sum(law);
        double reached = 0;
        for (int v = 0; v < law.length; v++) {
            reached += law[v];
            if (reached > wanted) {
                return v;
            }
        }
        throw new AssertionError("no mass");
    }

    /** The first token of a step at any vocabulary, element type and relaxation; tokens in 48 bins by P/Q. */
    @Test
    void firstTokensHaveTheirLaw() {
        NativeLibrary.require();
        Random random = new Random(6);
        for (int vocab : new int[] {16, 4096, 131_072}) {
            for (Logits.Type type : Logits.Type.values()) {
                for (float omega : new float[] {0.4f, 1, 1.7f}) {
                    firstToken(random, vocab, type, omega, vocab > 100_000 ? 6_000 : 40_000);
                }
            }
        }
    }

    private static void firstToken(Random random, int vocab, Logits.Type type, float omega, int trials) {
        float[] target = new float[vocab];
        float[] draft = new float[vocab];
        int size = type == Logits.Type.F32 ? 4 : 2;
        ByteBuffer memory = ByteBuffer.allocateDirect(3 * vocab * size).order(ByteOrder.nativeOrder());
        for (int v = 0; v < vocab; v++) {
            target[v] = HalfTypes.representable(1.5 * random.nextGaussian(), type);
            draft[v] = HalfTypes.representable(target[v] / 2 + random.nextGaussian(), type);
            HalfTypes.put(memory, size * v, target[v], type);
            HalfTypes.put(memory, size * (vocab + v), target[v], type);
            HalfTypes.put(memory, size * (2 * vocab + v), draft[v], type);
        }
        double[] p = ReferenceLaw.of(target, null, Sampling.of()).p();
        double[] q = ReferenceLaw.of(draft, null, Sampling.of()).p();
        double[] law = firstLaw(p, q, omega);
        int[] bin = bins(law, p, q, 48);
        long[] counts = new long[48];
        long address = new Pointer(memory).address();
        Logits targetLogits = Logits.at(address, type, 2, vocab, vocab);
        Logits draftLogits = Logits.at(address + 2L * vocab * size, type, 1, vocab, vocab);
        VerifierSpec spec = VerifierSpec.of(vocab, Schedule.uniform(omega).draftLength(1), Sampling.of());
        try (Verifier verifier = Verifier.open(Backend.cpu(), spec)) {
            Step step = verifier.step(1);
            for (int seed = 0; seed < trials; seed++) {
                step.begin(0, seed, 9);
                step.sampleDraft(draftLogits);
                step.verify(targetLogits, draftLogits);
                counts[bin[step.verdict(0).token(0)]]++;
            }
        }
        String what = "V = " + vocab + ", " + type + ", omega " + omega;
        assertThat(ChiSquare.statistic(counts, binned(law, bin), trials))
                .as(what)
                .isLessThan(ChiSquare.threshold(48));
        if (omega < 1) {
            double[] lossless = mixed(p, q, omega, 1);
            assertThat(ChiSquare.statistic(counts, binned(lossless, bin), trials))
                    .as("residual of omega = 1 at " + what)
                    .isGreaterThan(ChiSquare.threshold(48));
        }
    }

    private static double[] firstLaw(double[] p, double[] q, float omega) {
        return mixed(p, q, omega, omega);
    }

    /** Accepted with omega, resampled from the residual of another one. */
    private static double[] mixed(double[] p, double[] q, float omega, float residualOmega) {
        double[] f = new double[p.length];
        double[] g = new double[p.length];
        double accepted = 0;
        for (int v = 0; v < p.length; v++) {
            f[v] = ReferenceVerifier.acceptanceOf(omega * p[v], q[v]);
            g[v] = ReferenceVerifier.acceptanceOf(residualOmega * p[v], q[v]);
            accepted += q[v] * f[v];
        }
        double[] residual = ReferenceVerifier.best(p, q, g);
        double mass = ReferenceVerifier.sum(residual);
        double[] law = new double[p.length];
        for (int v = 0; v < p.length; v++) {
            law[v] = q[v] * f[v] + (1 - accepted) * residual[v] / mass;
        }
        return law;
    }

    /** Tokens in the order of P/Q, which is what the rule acts on, in runs of about equal mass. */
    private static int[] bins(double[] law, double[] p, double[] q, int n) {
        Integer[] order = new Integer[law.length];
        Arrays.setAll(order, v -> v);
        Arrays.sort(order, java.util.Comparator.comparingDouble(v -> p[v] / q[v]));
        int[] bin = new int[law.length];
        double reached = 0;
        for (int v : order) {
            bin[v] = Math.min(n - 1, (int) (reached * n));
            reached += law[v];
        }
        return bin;
    }

    private static double[] binned(double[] law, int[] bin) {
        double[] mass = new double[48];
        for (int v = 0; v < law.length; v++) {
            mass[bin[v]] += law[v];
        }
        return mass;
    }
}
