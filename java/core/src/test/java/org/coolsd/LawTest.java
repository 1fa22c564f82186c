package org.coolsd;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Random;
import org.bytedeco.javacpp.Pointer;
import org.coolsd.internal.NativeLibrary;
import org.coolsd.testing.ChiSquare;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What the library draws has the closed form's law, and each defect that such code has had is told from it by the same
 * test. Every comparison has a false-alarm probability of 1e-9.
 */
class LawTest {
    private static final int SEQUENCES = 60_000;
    private static final int BLOCK_SEQUENCES = 150_000;

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
        double excess = ChiSquare.excess(counts, law);
        boolean right = decoder == Decoder.LIBRARY || decoder == Decoder.REFERENCE;
        if (right) {
            assertThat(excess).isLessThan(1);
        } else {
            assertThat(excess).isGreaterThan(1);
        }
    }

    /** A decoder of sequences by blocks: the library, the reference, or the reference with one defect. */
    private enum BlockDecoder {
        LIBRARY(ReferenceBlock.Defect.NONE),
        REFERENCE(ReferenceBlock.Defect.NONE),
        LENGTH_WITHOUT_SUMS(ReferenceBlock.Defect.LENGTH_WITHOUT_SUMS),
        TARGET_FOR_RELAXED_LAW(ReferenceBlock.Defect.TARGET_FOR_RELAXED_LAW),
        PREFIX_NOT_CARRIED(ReferenceBlock.Defect.PREFIX_NOT_CARRIED),
        SHARED_UNIFORM(ReferenceBlock.Defect.SHARED_UNIFORM),
        NEXT_PREFIX_IN_RESIDUAL(ReferenceBlock.Defect.NEXT_PREFIX_IN_RESIDUAL),
        /** The next step draws its draft with the numbers that this one drew it with. */
        DRAFT_NUMBERS_OF_THE_STEP_BEFORE(ReferenceBlock.Defect.NONE),
        /** The next step is decided by uniforms that have decided this one. */
        UNIFORMS_OF_THE_STEP_BEFORE(ReferenceBlock.Defect.NONE);

        final ReferenceBlock.Defect defect;

        BlockDecoder(ReferenceBlock.Defect defect) {
            this.defect = defect;
        }

        long draftSeed(long seed, long position) {
            return this == DRAFT_NUMBERS_OF_THE_STEP_BEFORE ? seed : Philox.stepSeed(seed, position);
        }

        long acceptSeed(long seed, long position) {
            return this == UNIFORMS_OF_THE_STEP_BEFORE ? seed : Philox.stepSeed(seed, position);
        }
    }

    private static final float[] BLOCK_OMEGA = {1.5f, 1.2f, 1.5f};

    /** Sequences of 5 tokens, joint over positions and steps. */
    @ParameterizedTest
    @EnumSource
    void blocksHaveTheEnumeratedLaw(BlockDecoder decoder) {
        MarkovChains chains = new MarkovChains(new Random(5), 3, 5);
        double[] omega = {BLOCK_OMEGA[0], BLOCK_OMEGA[1], BLOCK_OMEGA[2]};
        ReferenceVerifier.Rule rule = ReferenceVerifier.relaxed(omega, 0);
        double[] law = chains.decode(SequenceLaw.block(3, rule, ReferenceBlock.Defect.NONE))
                .law();
        long[] counts = new long[law.length];
        VerifierSpec spec = VerifierSpec.builder(3)
                .drafts(Schedule.explicit(omega).draftLength(3))
                .acceptance(Acceptance.block())
                .build();
        try (Verifier verifier = Verifier.open(Backend.cpu(), spec)) {
            StepDecoder step = (before, draft, seed, position) -> decoder == BlockDecoder.LIBRARY
                    ? verify(chains, verifier, before, draft, seed, position)
                    : block(chains, rule, decoder, before, draft, seed, position);
            for (int seed = 0; seed < BLOCK_SEQUENCES; seed++) {
                counts[chains.index(decode(chains, 3, decoder::draftSeed, step, seed))]++;
            }
        }
        double excess = ChiSquare.excess(counts, law);
        if (decoder == BlockDecoder.LIBRARY || decoder == BlockDecoder.REFERENCE) {
            assertThat(excess).isLessThan(1);
        } else {
            assertThat(excess).isGreaterThan(1);
        }
    }

    private static int[] block(
            MarkovChains chains,
            ReferenceVerifier.Rule rule,
            BlockDecoder decoder,
            int before,
            int[] draft,
            long seed,
            int position) {
        double[][] p = new double[draft.length + 1][];
        double[][] q = new double[draft.length][];
        int last = before;
        for (int i = 0; i <= draft.length; i++) {
            p[i] = chains.p(last);
            if (i < draft.length) {
                q[i] = chains.q(last);
                last = draft[i];
            }
        }
        ReferenceVerifier.Uniforms u =
                ReferenceVerifier.Uniforms.of(decoder.acceptSeed(seed, position), position, draft.length);
        return ReferenceVerifier.block(p, q, draft, rule, u, decoder.defect).tokens();
    }

    /** What a step makes of a draft. */
    private interface StepDecoder {
        int[] verify(int before, int[] draft, long seed, int position);
    }

    /** With which seed the draft of a step is drawn. */
    private interface DraftSeed {
        long of(long seed, long position);
    }

    private static int[] decode(MarkovChains chains, Decoder decoder, Verifier verifier, long seed) {
        StepDecoder step = (before, draft, key, position) -> decoder == Decoder.LIBRARY
                ? verify(chains, verifier, before, draft, key, position)
                : verify(chains, decoder, before, draft, key, position);
        return decode(chains, OMEGA.length, (key, position) -> key, step, seed, decoder);
    }

    private static int[] decode(MarkovChains chains, int longest, DraftSeed drafts, StepDecoder step, long seed) {
        return decode(chains, longest, drafts, step, seed, Decoder.REFERENCE);
    }

    private static int[] decode(
            MarkovChains chains, int longest, DraftSeed drafts, StepDecoder step, long seed, Decoder decoder) {
        int[] tokens = new int[chains.length];
        int decided = 0;
        while (decided < tokens.length) {
            int n = Math.min(longest, tokens.length - decided - 1);
            int before = decided == 0 ? 0 : tokens[decided - 1];
            int[] draft = new int[n];
            int last = before;
            for (int i = 0; i < n; i++) {
                draft[i] = draw(chains.q(last), uniform(decoder, drafts.of(seed, decided), decided + i, Philox.DRAFT));
                last = draft[i];
            }
            int[] drawn = step.verify(before, draft, seed, decided);
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
        assertThat(ChiSquare.excess(counts, binned(law, bin))).as(what).isLessThan(1);
        if (omega < 1) {
            double[] lossless = mixed(p, q, omega, 1);
            assertThat(ChiSquare.excess(counts, binned(lossless, bin)))
                    .as("residual of omega = 1 at " + what)
                    .isGreaterThan(1);
        }
    }

    /**
     * The first token of a block of two drafted tokens has the law Phat too; that h without the sums gives another is seen with the
     * same tokens.
     */
    @Test
    void firstTokensOfBlocksHaveTheirLaw() {
        Random random = new Random(7);
        for (int vocab : new int[] {16, 4096, 131_072}) {
            for (float omega : vocab > 100_000 ? new float[] {1.7f} : new float[] {1, 1.7f}) {
                Rows rows = new Rows(random, vocab, Logits.Type.values()[random.nextInt(3)]);
                VerifierSpec spec = VerifierSpec.builder(vocab)
                        .drafts(Schedule.uniform(omega).draftLength(2))
                        .acceptance(Acceptance.block())
                        .build();
                ReferenceVerifier.Rule rule = ReferenceVerifier.relaxed(new double[] {omega, omega}, 0);
                double[] law = rule.law(0, rows.p[0], rows.q[0]);
                String what = "block, V = " + vocab + ", " + rows.type + ", omega " + omega;
                double[] second = rule.law(1, rows.p[1], rows.q[1]);
                rows.compare(spec, what, law, withoutSums(law, rows.q[0], second, rows.q[1]));
            }
        }
    }

    /** The first token's law if h_1 were p_1; S_1 is piecewise linear in p_1. */
    private static double[] withoutSums(double[] law, double[] q, double[] nextLaw, double[] nextQ) {
        Integer[] order = new Integer[law.length];
        Arrays.setAll(order, v -> v);
        Arrays.sort(order, java.util.Comparator.comparingDouble(v -> nextQ[v] / nextLaw[v]));
        double[] kink = new double[law.length];
        double[] laws = new double[law.length + 1];
        double[] drafts = new double[law.length + 1];
        for (int i = 0; i < order.length; i++) {
            int v = order[i];
            kink[i] = nextQ[v] / nextLaw[v];
            laws[i + 1] = laws[i] + nextLaw[v];
            drafts[i + 1] = drafts[i] + nextQ[v];
        }
        double[] wrong = new double[law.length];
        double[] residual = new double[law.length];
        double accepted = 0;
        for (int x = 0; x < law.length; x++) {
            double carried = Math.min(1, law[x] / q[x]);
            int found = Arrays.binarySearch(kink, carried);
            int below = found < 0 ? -found - 1 : found;
            double sum = carried * laws[below] - drafts[below];
            double both = carried - sum;
            wrong[x] = q[x] * (both + (1 - both) * carried);
            accepted += wrong[x];
            residual[x] = Math.max(law[x] - q[x], 0);
        }
        double mass = ReferenceVerifier.sum(residual);
        for (int x = 0; x < law.length; x++) {
            wrong[x] += (1 - accepted) * residual[x] / mass;
        }
        return wrong;
    }

    /** With a drift budget the first token has the law of the factor that is reported; that of no budget is told from it. */
    @Test
    void firstTokensWithABudgetHaveTheirLaw() {
        Random random = new Random(8);
        for (int vocab : new int[] {16, 4096, 131_072}) {
            Rows rows = new Rows(random, vocab, Logits.Type.values()[random.nextInt(3)]);
            VerifierSpec spec = VerifierSpec.builder(vocab)
                    .drafts(Schedule.budget(0.15).draftLength(2))
                    .acceptance(random.nextBoolean() ? Acceptance.block() : Acceptance.token())
                    .build();
            double omega = rows.factor(spec);
            double[] law = ReferenceVerifier.relaxed(new double[] {omega}, 0).law(0, rows.p[0], rows.q[0]);
            assertThat(ReferenceVerifier.distance(law, rows.p[0])).isBetween(0.13, 0.15);
            rows.compare(spec, "budget, V = " + vocab + ", " + rows.type + ", " + spec.acceptance(), law, rows.p[0]);
        }
    }

    /** Two draft positions and their laws, in native memory. */
    private static final class Rows {
        final Logits.Type type;
        final double[][] p = new double[3][];
        final double[][] q = new double[2][];
        private final int vocab;
        private final ByteBuffer memory;
        private final Logits targetLogits;
        private final Logits draftLogits;

        Rows(Random random, int vocab, Logits.Type type) {
            NativeLibrary.require();
            this.vocab = vocab;
            this.type = type;
            memory = ByteBuffer.allocateDirect(5 * vocab * type.size()).order(ByteOrder.nativeOrder());
            float[][] targets = new float[3][vocab];
            float[][] drafts = new float[2][vocab];
            for (int v = 0; v < vocab; v++) {
                for (int i = 0; i < 3; i++) {
                    targets[i][v] = HalfTypes.representable(1.5 * random.nextGaussian(), type);
                    HalfTypes.put(memory, type.size() * (i * vocab + v), targets[i][v], type);
                }
                for (int i = 0; i < 2; i++) {
                    drafts[i][v] = HalfTypes.representable(targets[i][v] / 2 + random.nextGaussian(), type);
                    HalfTypes.put(memory, type.size() * ((3 + i) * vocab + v), drafts[i][v], type);
                }
            }
            for (int i = 0; i < 3; i++) {
                p[i] = ReferenceLaw.of(targets[i], null, Sampling.of()).p();
            }
            for (int i = 0; i < 2; i++) {
                q[i] = ReferenceLaw.of(drafts[i], null, Sampling.of()).p();
            }
            long address = new Pointer(memory).address();
            targetLogits = Logits.at(address, type, 3, vocab, vocab, memory);
            draftLogits = Logits.at(address + 3L * vocab * type.size(), type, 2, vocab, vocab, memory);
        }

        private void step(Step step, long seed) {
            step.begin(0, seed, 9);
            step.sampleDraft(draftLogits.row(0));
            step.sampleDraft(draftLogits.row(1));
            step.verify(targetLogits, draftLogits);
        }

        /** The factor of the first position. */
        double factor(VerifierSpec spec) {
            try (Verifier verifier = Verifier.open(Backend.cpu(), spec)) {
                Step step = verifier.step(1);
                step(step, 0);
                return step.verdict(0).factor(0);
            }
        }

        /** First tokens, in 48 bins by P/Q, have one law and not the other. */
        void compare(VerifierSpec spec, String what, double[] law, double[] other) {
            int trials = vocab > 100_000 ? 6_000 : 40_000;
            int[] bin = bins(law, p[0], q[0], 48);
            long[] counts = new long[48];
            try (Verifier verifier = Verifier.open(Backend.cpu(), spec)) {
                Step step = verifier.step(1);
                for (int seed = 0; seed < trials; seed++) {
                    step(step, seed);
                    counts[bin[step.verdict(0).token(0)]]++;
                }
            }
            assertThat(ChiSquare.excess(counts, binned(law, bin))).as(what).isLessThan(1);
            assertThat(ChiSquare.excess(counts, binned(other, bin)))
                    .as("another law, " + what)
                    .isGreaterThan(1);
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
