package org.coolsd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import org.coolsd.VerifierSpec.Report;
import org.junit.jupiter.api.Test;

/**
 * Native decisions equal the float64 reference's, except where a decision lies within 1e-6 of its boundary in
 * probability; how many do is printed.
 */
class ConformanceTest {
    private static final double MARGIN = 1e-6;

    private int compared;
    private int near;

    @Test
    void smallVocabularies() {
        run(new Random(1), 100_000, 600, 6, 1);
    }

    @Test
    void largeVocabulariesAndLongDrafts() {
        run(new Random(2), 60, 131_072, 3, 1);
        run(new Random(3), 300, 64, 64, 1);
    }

    @Test
    void batches() {
        run(new Random(4), 1_000, 3_000, 4, 3);
    }

    private void run(Random random, int cases, int largest, int longest, int batch) {
        for (int n = 0; n < TestBackend.cases(cases); n++) {
            RandomCase one = new RandomCase(random, largest, longest, batch);
            VerifierSpec spec = one.spec().report(Report.values());
            try (Verifier verifier = TestBackend.open(spec)) {
                compare(one, one.run(verifier), ReferenceVerifier.relaxed(one.omega), true);
            }
        }
        System.out.printf("%d of %d cases lie within %s of a boundary%n", near, compared, MARGIN);
        assertThat(near).isLessThanOrEqualTo(1 + compared / 100);
    }

    @Test
    void lanternWithEitherResidual() {
        Random random = new Random(5);
        for (int n = 0; n < TestBackend.cases(10_000); n++) {
            RandomCase one = new RandomCase(random, 200, 4, 1);
            float[] codebook = new float[one.vocab * 2];
            for (int i = 0; i < codebook.length; i++) {
                codebook[i] = random.nextInt(8);
            }
            NeighbourTable table = NeighbourTable.nearest(codebook, 2, 1 + random.nextInt(one.vocab - 1));
            Lantern lantern = random.nextBoolean()
                    ? Lantern.of(table, random.nextDouble() / 2)
                    : Lantern.plusPlus(table, 1 + 2 * random.nextDouble());
            boolean optimal = random.nextBoolean();
            Lantern used = optimal ? lantern.optimalResidual() : lantern;
            VerifierSpec spec = new VerifierSpec(
                    one.vocab,
                    Schedule.lossless().draftLength(one.length),
                    one.target,
                    one.draft,
                    used,
                    optimal ? java.util.Set.of(Report.values()) : java.util.Set.of(Report.LOG_PROB));
            try (Verifier verifier = TestBackend.open(spec)) {
                compare(one, one.run(verifier), ReferenceVerifier.lantern(used), optimal);
            }
        }
        System.out.printf("LANTERN: %d of %d cases lie within %s of a boundary%n", near, compared, MARGIN);
        // Pooled sums at the bound are a boundary of their own, which ties in the codebook make frequent.
        assertThat(near).isLessThan(compared / 50);
    }

    private void compare(RandomCase one, Step step, ReferenceVerifier.Rule rule, boolean certified) {
        for (int b = 0; b < one.batch; b++) {
            var expected = one.expected(b, rule);
            compared++;
            if (Math.min(expected.margin(), one.margin) < MARGIN) {
                near++;
                continue;
            }
            Verdict verdict = step.verdict(b);
            String what = one + ", sequence " + b;
            assertThat(verdict.status()).as(what).isEqualTo(Status.OK);
            int[] tokens = new int[verdict.length()];
            Arrays.setAll(tokens, verdict::token);
            assertThat(tokens).as(what).isEqualTo(expected.tokens());
            for (int i = 0; i < tokens.length; i++) {
                double p = one.p[b][i][tokens[i]];
                assertThat(verdict.logProb(i)).as(what).isCloseTo(Math.log(p), within(1e-5));
                if (certified) {
                    double law = p / expected.ratio()[i];
                    assertThat(p / verdict.ratio(i)).as(what).isCloseTo(law, within(2e-6));
                }
            }
            if (certified) {
                assertThat(verdict.drift()).as(what).isCloseTo(expected.drift(), within(2e-6));
            }
        }
    }

    /** With the normalisers that sampling found, decisions are those without them. */
    @Test
    void normalisersChangeNothing() {
        Random random = new Random(6);
        for (int n = 0; n < TestBackend.cases(3_000); n++) {
            RandomCase one = new RandomCase(random, 5_000, 4, 1);
            if (one.length == 0) {
                continue;
            }
            try (Verifier verifier = TestBackend.open(one.spec())) {
                Step step = verifier.step(1);
                step.begin(0, one.seeds[0], one.positions[0]);
                for (int i = 0; i < one.length; i++) {
                    step.sampleDraft(one.draftLogits.row(i));
                }
                step.verify(one.targetLogits, one.draftLogits);
                int[] drafted = new int[one.length];
                Arrays.setAll(drafted, i -> step.draftToken(0, i));
                Step other = verifier.step(1);
                other.begin(0, one.seeds[0], one.positions[0]);
                other.draft(0, drafted, drafted.length);
                other.verify(one.targetLogits, one.draftLogits);
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
            RandomCase one = new RandomCase(random, 1_000, 4, 4);
            try (Verifier verifier = TestBackend.open(one.spec())) {
                Step together = one.run(verifier);
                for (int b = 0; b < one.batch; b++) {
                    Step alone = verifier.step(1);
                    alone.begin(0, one.seeds[b], one.positions[b]);
                    alone.draft(0, one.draftTokens[b], one.draftTokens[b].length);
                    alone.verify(sequence(one.targetLogits, b), one.length == 0 ? null : sequence(one.draftLogits, b));
                    assertThat(alone.verdict(0).length())
                            .isEqualTo(together.verdict(b).length());
                    for (int i = 0; i < alone.verdict(0).length(); i++) {
                        assertThat(alone.verdict(0).token(i))
                                .isEqualTo(together.verdict(b).token(i));
                    }
                }
            }
        }
    }

    private static Logits sequence(Logits all, int b) {
        int size = all.type() == Logits.Type.F32 ? 4 : 2;
        Logits one = Logits.at(
                all.address() + b * all.batchStride() * size, all.type(), all.rows(), all.vocab(), all.rowStride());
        Logits other = all.unconditional();
        return other == null
                ? one
                : one.guidedBy(Logits.at(
                        other.address() + b * other.batchStride() * size,
                        other.type(),
                        other.rows(),
                        other.vocab(),
                        other.rowStride()));
    }
}
