package org.coolsd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.coolsd.VerifierSpec.Report;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A continuous batch: whatever stands beside it, a sequence decides what it decides alone. */
class StepTest {
    private static final int VOCAB = 50;
    private static final int LENGTH = 4;
    private static final int SLOTS = 5;

    private final Random random = new Random(8);

    private Logits rows(int rows) {
        float[] values = new float[rows * VOCAB];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return Logits.copyOf(values, rows, VOCAB);
    }

    private static VerifierSpec.Builder spec() {
        return VerifierSpec.builder(VOCAB)
                .drafts(Schedule.exponential(1.3).draftLength(LENGTH))
                .report(Report.values());
    }

    /** What a request is, with everything of its own. */
    private record Request(
            long seed,
            long position,
            int drafts,
            Logits target,
            Logits draft,
            Sampling targetSampling,
            Sampling draftSampling,
            float[] factors) {}

    private Request request(int drafts, boolean guided) {
        Logits target = rows(LENGTH + 1);
        Logits draft = rows(LENGTH);
        if (guided) {
            target = target.guidedBy(rows(LENGTH + 1));
            draft = draft.guidedBy(rows(LENGTH));
        }
        float guidance = 1 + 3 * random.nextFloat();
        Sampling own =
                Sampling.of().guidance(guidance).topK(5 + random.nextInt(VOCAB)).temperature(1.5f - random.nextFloat());
        float[] factors = {
            2 * random.nextFloat(), 2 * random.nextFloat(), 1.5f, 1,
        };
        return new Request(
                random.nextLong(), random.nextInt(1000), drafts, target, draft, own, own.topP(0.9f), factors);
    }

    /** Tokens and figures as text, so that a difference says where it is. */
    private static String outcome(Verdict verdict) {
        StringBuilder text = new StringBuilder(verdict.status() + " " + verdict.accepted());
        for (int i = 0; i < verdict.length(); i++) {
            text.append(String.format(
                    " %d(%.12g %.12g %.12g %.6g)",
                    verdict.token(i), verdict.drift(i), verdict.ratio(i), verdict.logProb(i), verdict.factor(i)));
        }
        return text.toString();
    }

    /** By a verifier that was opened for this request only. */
    private static String alone(VerifierSpec spec, Request request) {
        double[] factors = new double[LENGTH];
        for (int i = 0; i < LENGTH; i++) {
            factors[i] = request.factors[i];
        }
        Schedule.Drafts drafts = spec.drafts().factors() == Schedule.Factors.GIVEN
                ? Schedule.explicit(factors).draftLength(LENGTH)
                : spec.drafts();
        VerifierSpec own = new VerifierSpec(
                VOCAB, drafts, request.targetSampling, request.draftSampling, spec.acceptance(), spec.reports());
        try (Verifier verifier = Verifier.open(Backend.cpu(), own);
                Step step = verifier.step(1)) {
            step.begin(0, request.seed, request.position);
            for (int i = 0; i < request.drafts; i++) {
                assertThat(step.sampleDraft(request.draft.row(i))).isTrue();
            }
            step.verify(request.target, request.draft);
            return outcome(step.verdict(0));
        }
    }

    private static List<VerifierSpec> rules() {
        Schedule.Drafts given = Schedule.exponential(1.3).draftLength(LENGTH);
        return List.of(
                spec().build(),
                spec().acceptance(Acceptance.block()).build(),
                spec().acceptance(Acceptance.token().affine(0.2)).build(),
                spec().drafts(Schedule.budget(0.02).draftLength(LENGTH)).build(),
                spec().drafts(Schedule.entropy(1.5).draftLength(LENGTH))
                        .acceptance(Acceptance.block())
                        .build(),
                new VerifierSpec(
                        VOCAB,
                        given,
                        Sampling.of(),
                        Sampling.of(),
                        Acceptance.token(),
                        java.util.Set.of(Report.values())));
    }

    @ParameterizedTest
    @MethodSource("rules")
    void slotsComeAndGo(VerifierSpec spec) {
        try (Verifier verifier = Verifier.open(Backend.cpu(), spec)) {
            Step step = verifier.step(SLOTS);
            for (int n = 0; n < 60; n++) {
                Request[] requests = new Request[SLOTS];
                for (int slot = 0; slot < SLOTS; slot++) {
                    if (random.nextInt(3) > 0) {
                        requests[slot] = request(random.nextInt(LENGTH + 1), random.nextBoolean());
                    }
                }
                step(step, spec, requests);
                for (int slot = 0; slot < SLOTS; slot++) {
                    Verdict verdict = step.verdict(slot);
                    if (requests[slot] != null) {
                        assertThat(outcome(verdict))
                                .as("slot %d of step %d", slot, n)
                                .isEqualTo(alone(spec, requests[slot]));
                    } else if (Arrays.stream(requests).anyMatch(r -> r != null)) {
                        int absent = slot;
                        assertThatThrownBy(verdict::status)
                                .isInstanceOf(IllegalStateException.class)
                                .hasMessage("slot " + slot + " took no part in the last verification");
                        assertThatThrownBy(() -> step.draftLength(absent)).hasMessageContaining("was not begun");
                    }
                }
            }
        }
    }

    /** Drafts of a subset at a time, as ragged as they are, and all verified in one call. */
    private void step(Step step, VerifierSpec spec, Request[] requests) {
        for (int slot = 0; slot < SLOTS; slot++) {
            Request request = requests[slot];
            if (request != null) {
                step.begin(slot, request.seed, request.position);
                step.sampling(slot, request.targetSampling, request.draftSampling);
                if (spec.drafts().factors() == Schedule.Factors.GIVEN) {
                    step.factors(slot, request.factors);
                }
                step.target(slot, request.target);
                step.draft(slot, request.draft);
            }
        }
        for (int i = 0; i < LENGTH; i++) {
            int position = i;
            int[] wanting = IntStream.range(0, SLOTS)
                    .filter(slot -> requests[slot] != null && requests[slot].drafts > position)
                    .toArray();
            Logits[] logits = Arrays.stream(wanting)
                    .mapToObj(slot -> requests[slot].draft.row(position))
                    .toArray(Logits[]::new);
            assertThat(step.sampleDraft(wanting, wanting.length, logits)).isTrue();
        }
        if (Arrays.stream(requests).anyMatch(r -> r != null)) {
            step.verify();
        }
    }

    /** The same by one view of all slots, of which some are skipped. */
    @Test
    void oneViewOfAllSlotsServesSome() {
        VerifierSpec spec = spec().build();
        Logits target = rows(SLOTS * (LENGTH + 1));
        Logits draft = rows(SLOTS * LENGTH);
        Logits targets = Logits.at(
                target.address(), Logits.Type.F32, SLOTS, LENGTH + 1, VOCAB, (LENGTH + 1) * VOCAB, VOCAB, target);
        Logits drafts = Logits.at(draft.address(), Logits.Type.F32, SLOTS, LENGTH, VOCAB, LENGTH * VOCAB, VOCAB, draft);
        try (Verifier verifier = Verifier.open(Backend.cpu(), spec);
                Step step = verifier.step(SLOTS);
                Step alone = verifier.step(1)) {
            for (int n = 0; n < 200; n++) {
                int skipped = n % SLOTS;
                for (int slot = 0; slot < SLOTS; slot++) {
                    if (slot != skipped) {
                        step.begin(slot, n, slot);
                    }
                }
                for (int i = 0; i < LENGTH; i++) {
                    if (i % 2 == 0) {
                        assertThat(step.sampleDraft(drafts.row(i))).isTrue();
                    } else {
                        int[] slots = IntStream.range(0, SLOTS)
                                .filter(s -> s != skipped)
                                .toArray();
                        float[] packed = new float[slots.length * VOCAB];
                        for (int k = 0; k < slots.length; k++) {
                            copy(draft, slots[k] * LENGTH + i, packed, k);
                        }
                        Logits rows = Logits.copyOf(packed, slots.length, VOCAB);
                        assertThat(step.sampleDraft(slots, slots.length, batched(rows)))
                                .isTrue();
                    }
                }
                step.verify(targets, drafts);
                for (int slot = 0; slot < SLOTS; slot++) {
                    if (slot == skipped) {
                        continue;
                    }
                    alone.begin(0, n, slot);
                    for (int i = 0; i < LENGTH; i++) {
                        alone.sampleDraft(drafts.sequence(slot).row(i));
                        assertThat(alone.draftToken(0, i)).isEqualTo(step.draftToken(slot, i));
                        assertThat(alone.draftLogProb(0, i)).isEqualTo(step.draftLogProb(slot, i));
                    }
                    assertThat(alone.draftPeak(0)).isEqualTo(step.draftPeak(slot));
                    alone.verify(targets.sequence(slot), drafts.sequence(slot));
                    assertThat(outcome(step.verdict(slot))).isEqualTo(outcome(alone.verdict(0)));
                }
            }
        }
    }

    private static Logits batched(Logits rows) {
        return Logits.at(rows.address(), Logits.Type.F32, rows.rows(), 1, VOCAB, VOCAB, VOCAB, rows);
    }

    private static void copy(Logits from, int row, float[] to, int k) {
        new org.bytedeco.javacpp.FloatPointer(new NativeMemory.Address(from.address() + 4L * VOCAB * row))
                .get(to, k * VOCAB, VOCAB);
    }

    @Test
    void whatIsWrongWithOneSequenceIsItsOwn() {
        VerifierSpec spec = spec().build();
        Request[] requests = new Request[SLOTS];
        Arrays.setAll(requests, slot -> request(2, false));
        float[] bad = new float[VOCAB];
        bad[7] = Float.NaN;
        Logits nan = Logits.copyOf(bad, 1, VOCAB);
        try (Verifier verifier = Verifier.open(Backend.cpu(), spec);
                Step step = verifier.step(SLOTS)) {
            for (int slot = 0; slot < SLOTS; slot++) {
                Request request = requests[slot];
                step.begin(slot, request.seed, request.position);
                step.sampling(slot, request.targetSampling, request.draftSampling);
                step.factors(slot, request.factors);
                step.target(slot, request.target);
                step.draft(slot, request.draft);
                assertThat(step.status(slot)).isEqualTo(Status.OK);
            }
            step.sampling(3, Sampling.of().window(0, VOCAB + 1), Sampling.of());
            step.factors(4, 1, Float.NaN);
            int[] all = {0, 1, 2, 3, 4};
            Logits[] rows = new Logits[SLOTS];
            Arrays.setAll(rows, slot -> requests[slot].draft.row(0));
            assertThat(step.sampleDraft(all, SLOTS, rows)).isTrue();
            Arrays.setAll(rows, slot -> slot == 1 ? nan : requests[slot].draft.row(1));
            assertThat(step.sampleDraft(all, SLOTS, rows)).isFalse();
            assertThat(step.status(1)).isEqualTo(Status.NAN);
            assertThat(step.draftLength(1)).isEqualTo(1);
            assertThat(step.draftLength(2)).isEqualTo(2);
            // A token out of range in slot 2, in place of the one that was sampled.
            step.draft(2, new int[] {VOCAB}, 1);
            step.verify();
            assertThat(IntStream.range(0, SLOTS).mapToObj(step::status))
                    .containsExactly(Status.OK, Status.NAN, Status.TOKEN_OUT_OF_RANGE, Status.SAMPLING, Status.FACTOR);
            for (int slot = 1; slot < SLOTS; slot++) {
                Verdict verdict = step.verdict(slot);
                assertThat(verdict.status()).isEqualTo(step.status(slot));
                assertThat(verdict.length()).isZero();
                assertThat(verdict.accepted()).isZero();
                assertThat(verdict.drift()).isZero();
                assertThatThrownBy(() -> verdict.token(0)).hasMessage("i is 0, the step has 0 tokens");
            }
            // The same step can be verified again, and a slot that failed can begin the next one.
            assertThat(outcome(step.verdict(0))).startsWith("OK");
            step.begin(1, requests[1].seed, requests[1].position);
            step.sampling(1, requests[1].targetSampling, requests[1].draftSampling);
            step.factors(1, requests[1].factors);
            step.target(1, requests[1].target);
            step.draft(1, requests[1].draft);
            assertThat(step.sampleDraft(new int[] {1}, 1, new Logits[] {requests[1].draft.row(0)}))
                    .isTrue();
            assertThat(step.sampleDraft(new int[] {1}, 1, requests[1].draft.row(1)))
                    .isTrue();
            step.verify();
            assertThat(outcome(step.verdict(1))).isEqualTo(alone(spec, requests[1]));
        }
    }

    @Test
    void aDraftFromElsewhereNeedsNoNormalisers() {
        VerifierSpec spec = spec().build();
        try (Verifier verifier = Verifier.open(Backend.cpu(), spec);
                Step step = verifier.step(2)) {
            for (int n = 0; n < 200; n++) {
                Logits target = rows(LENGTH + 1);
                Logits draft = rows(LENGTH);
                for (int slot = 0; slot < 2; slot++) {
                    step.begin(slot, n, 3);
                    step.target(slot, target);
                    step.draft(slot, draft);
                }
                int[] tokens = new int[LENGTH];
                for (int i = 0; i < LENGTH; i++) {
                    step.sampleDraft(new int[] {0}, 1, draft.row(i));
                    tokens[i] = step.draftToken(0, i);
                }
                step.draft(1, tokens, LENGTH);
                step.verify();
                // The normalisers of one and not of the other: neither is given, and both decide alike.
                assertThat(outcome(step.verdict(1))).isEqualTo(outcome(step.verdict(0)));
            }
            assertThatThrownBy(() -> step.draftPeak(1)).hasMessage("this step has sampled no draft of slot 1");
        }
    }

    @Test
    void budgetsOfASlotBindItsDrift() {
        VerifierSpec spec =
                spec().drafts(Schedule.budget(0.5).draftLength(LENGTH)).build();
        try (Verifier verifier = Verifier.open(Backend.cpu(), spec);
                Step step = verifier.step(2)) {
            double most = 0;
            for (int n = 0; n < 300; n++) {
                Logits target = rows(LENGTH + 1);
                Logits draft = rows(LENGTH);
                for (int slot = 0; slot < 2; slot++) {
                    step.begin(slot, n, 3);
                    step.target(slot, target);
                    step.draft(slot, draft);
                    step.draft(slot, new int[] {1, 2, 3, 4}, LENGTH);
                }
                step.budget(0, 0, 0.01f, 0.02f, 0.03f);
                step.verify();
                for (int i = 0; i < step.verdict(0).length(); i++) {
                    assertThat(step.verdict(0).drift(i)).isLessThanOrEqualTo(0.01f * i);
                    assertThat(step.verdict(0).factor(i)).isGreaterThanOrEqualTo(1);
                }
                most = Math.max(most, step.verdict(1).drift(0));
            }
            assertThat(most).isGreaterThan(0.1);
        }
    }

    @Test
    void oneSequenceHasItsLogProbability() {
        float[] values = new float[VOCAB];
        Arrays.fill(values, Float.NEGATIVE_INFINITY);
        values[4] = 0;
        values[9] = (float) Math.log(3);
        Logits row = Logits.copyOf(values, 1, VOCAB);
        try (Verifier verifier = Verifier.open(Backend.cpu(), spec().build())) {
            for (int seed = 0; seed < 20; seed++) {
                int token = verifier.sample(row, Purpose.DRAFT, seed, 0);
                assertThat(verifier.sampledLogProb()).isCloseTo(Math.log(token == 4 ? 0.25 : 0.75), within(1e-6));
            }
        }
    }

    @Test
    void wrongUseIsNamed() {
        try (Verifier verifier = Verifier.open(Backend.cpu(), spec().report().build());
                Step step = verifier.step(2)) {
            Logits row = rows(1);
            assertThatThrownBy(() -> step.begin(2, 0, 0)).hasMessage("slot is 2, the step has 2 slots");
            assertThatThrownBy(() -> step.draft(0, new int[1], 1)).hasMessage("slot 0 was not begun for this step");
            assertThatThrownBy(() -> step.sampleDraft(new int[] {0}, 1, row))
                    .hasMessage("slot 0 was not begun for this step");
            step.begin(0, 0, 0);
            step.begin(1, 0, 0);
            assertThatThrownBy(() -> step.sampleDraft(new int[] {0, 0}, 2, rows(2)))
                    .hasMessage("slot 0 is named twice");
            assertThatThrownBy(() -> step.sampleDraft(new int[] {0}, 2, row)).hasMessage("count is 2, it must be 0..1");
            assertThatThrownBy(() -> step.sampleDraft(row)).hasMessage("logits is [1, 50], it must be [2, 1, 50]");
            assertThatThrownBy(() -> step.factors(0, 1, 1, 1, 1, 1))
                    .hasMessage("omega has 5 values, the draft length is at most 4");
            assertThatThrownBy(step::verify).hasMessage("target of slot 0 is null");
            step.target(0, row);
            step.target(1, Logits.at(row.address(), Logits.Type.F16, 1, VOCAB, VOCAB, row));
            assertThatThrownBy(step::verify)
                    .hasMessage("target of slot 1 is of F16, that of another slot of F32; one call takes one type");
            step.target(0, Logits.at(row.address(), Logits.Type.F32, 2, VOCAB, VOCAB, row));
            step.target(1, Logits.at(row.address(), Logits.Type.F32, 2, VOCAB, VOCAB + 1, row));
            assertThatThrownBy(step::verify)
                    .hasMessage("target of slot 1 has rows 51 elements apart, that of another slot 50;"
                            + " one call takes one row stride");
            for (int i = 0; i < LENGTH; i++) {
                step.sampleDraft(new int[] {0}, 1, row);
            }
            assertThatThrownBy(() -> step.sampleDraft(new int[] {0}, 1, row))
                    .hasMessage("slot 0 has 4 draft tokens already");
            assertThatThrownBy(() -> step.draftLogProb(0, 0))
                    .hasMessage("the verifier's spec does not ask for the report LOG_PROB");
            assertThatThrownBy(() -> step.verdict(0).status())
                    .hasMessage("slot 0 took no part in the last verification");
            assertThatThrownBy(() -> verifier.step(0)).hasMessage("batch is 0, it must be at least 1");
        }
    }

    @Test
    void aSequenceThatIsDroppedIsAsIfItHadNotBegun() {
        VerifierSpec spec = spec().build();
        try (Verifier verifier = Verifier.open(Backend.cpu(), spec)) {
            Step step = verifier.step(2);
            Logits target = rows(1);
            step.begin(0, 1, 0);
            step.begin(1, 2, 0);
            step.target(0, target);
            step.drop(1);
            step.drop(1);
            step.verify();
            assertThat(step.verdict(0).length()).isEqualTo(1);
            assertThatThrownBy(() -> step.verdict(1).status()).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(() -> step.drop(2)).isInstanceOf(IndexOutOfBoundsException.class);
        }
    }
}
