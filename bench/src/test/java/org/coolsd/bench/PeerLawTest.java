package org.coolsd.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.apache.commons.math3.stat.inference.ChiSquareTest;
import org.coolsd.Backend;
import org.coolsd.Logits;
import org.coolsd.Sampling;
import org.coolsd.Schedule;
import org.coolsd.Step;
import org.coolsd.Verifier;
import org.coolsd.VerifierSpec;
import org.junit.jupiter.api.Test;

/**
 * A peer that does other work proves nothing: the joint law of (accepted, token drawn) is the library's, for every peer.
 * Two-sample chi-square, false alarms one in a million each; the last test shows what it catches.
 */
class PeerLawTest {
    private static final int VOCAB = 24;
    private static final int LENGTH = 3;
    private static final int STEPS = 12_000;
    private static final double LEAST_P = 1e-6;

    /** What makes a step a fair comparison or not. */
    private record Setting(int batch, int topK, Logits.Type type, double delta) {}

    private static Draft draft(Setting setting) {
        Schedule.Drafts schedule = Schedule.exponential(setting.delta).draftLength(LENGTH);
        LogitRows target = LogitRows.random(setting.batch, LENGTH + 1, VOCAB, setting.type);
        LogitRows draft = target.near(LENGTH);
        SplittableRandom random = new SplittableRandom(3);
        try (Verifier verifier = verifier(setting)) {
            int[][] tokens = Draft.drawnBy(verifier.step(setting.batch), draft, 7, 8, 9);
            return new Draft(
                    target,
                    draft,
                    new int[][][] {tokens},
                    schedule.omega(),
                    setting.topK,
                    (turn, b, i) -> random.nextDouble());
        }
    }

    private static Verifier verifier(Setting setting) {
        Schedule.Drafts schedule = Schedule.exponential(setting.delta).draftLength(LENGTH);
        return Verifier.open(
                Backend.cpu(), VerifierSpec.of(VOCAB, schedule, Sampling.of().topK(setting.topK)));
    }

    /** Counts of (accepted, token) over the library's seeds, one row per sequence. */
    private static long[][] library(Setting setting, Draft draft) {
        long[][] counts = new long[setting.batch][(LENGTH + 1) * VOCAB];
        try (Verifier verifier = verifier(setting)) {
            Step step = verifier.step(setting.batch);
            Logits target = draft.target().view();
            Logits drafted = draft.draft().view();
            for (int i = 0; i < STEPS; i++) {
                for (int b = 0; b < setting.batch; b++) {
                    step.begin(b, (long) i * setting.batch + b, 0);
                    step.draft(b, draft.tokens()[0][b], LENGTH);
                }
                step.verify(target, drafted);
                for (int b = 0; b < setting.batch; b++) {
                    int n = step.verdict(b).accepted();
                    counts[b][n * VOCAB + step.verdict(b).token(n)]++;
                }
            }
        }
        return counts;
    }

    private static long[][] peer(Setting setting, StepPeer peer) {
        long[][] counts = new long[setting.batch][(LENGTH + 1) * VOCAB];
        for (int i = 0; i < STEPS; i++) {
            peer.verify(0);
            for (int b = 0; b < setting.batch; b++) {
                counts[b][peer.accepted(b) * VOCAB + peer.token(b)]++;
            }
        }
        return counts;
    }

    /** The least p-value over the sequences; cells of fewer than 20 observations are merged. */
    private static double agreement(long[][] library, long[][] peer) {
        double least = 1;
        for (int b = 0; b < library.length; b++) {
            List<long[]> cells = new ArrayList<>();
            long[] rest = new long[2];
            for (int cell = 0; cell < library[b].length; cell++) {
                long[] pair = {library[b][cell], peer[b][cell]};
                if (pair[0] + pair[1] >= 20) {
                    cells.add(pair);
                } else {
                    rest[0] += pair[0];
                    rest[1] += pair[1];
                }
            }
            if (rest[0] + rest[1] > 0) {
                cells.add(rest);
            }
            long[] first = cells.stream().mapToLong(pair -> pair[0]).toArray();
            long[] second = cells.stream().mapToLong(pair -> pair[1]).toArray();
            assertThat(cells).as("outcomes that occur").hasSizeGreaterThan(10);
            least = Math.min(least, new ChiSquareTest().chiSquareTestDataSetsComparison(first, second));
        }
        return least;
    }

    private static void agrees(Setting setting) {
        Draft draft = draft(setting);
        long[][] library = library(setting, draft);
        for (StepPeer peer : List.of(new JavaLoop(draft), new LibTorchOperators(draft), new LibTorchTuned(draft))) {
            assertThat(agreement(library, peer(setting, peer)))
                    .as("%s, %s", setting, peer.getClass().getSimpleName())
                    .isGreaterThan(LEAST_P);
        }
    }

    @Test
    void oneSequence() {
        agrees(new Setting(1, 0, Logits.Type.F32, 1.1));
    }

    @Test
    void aBatch() {
        agrees(new Setting(3, 0, Logits.Type.F32, 1.1));
    }

    @Test
    void halfPrecision() {
        agrees(new Setting(1, 0, Logits.Type.BF16, 1.1));
    }

    @Test
    void withCutoff() {
        agrees(new Setting(2, 9, Logits.Type.F32, 1.1));
    }

    @Test
    void drawsFromTheSameRow() {
        Draft draft = draft(new Setting(1, 0, Logits.Type.F32, 1.1));
        Setting setting = new Setting(1, 0, Logits.Type.F32, 1.1);
        long[][] library = new long[1][(LENGTH + 1) * VOCAB];
        try (Verifier verifier = verifier(setting)) {
            Step step = verifier.step(1);
            Logits row = draft.draft().view().row(0);
            for (int i = 0; i < STEPS; i++) {
                step.begin(0, i, 0);
                step.sampleDraft(row);
                library[0][step.draftToken(0, 0)]++;
            }
        }
        JavaLoop javaLoop = new JavaLoop(draft);
        LibTorchOperators libtorch = new LibTorchOperators(draft);
        LibTorchTuned tuned = new LibTorchTuned(draft);
        assertThat(agreement(library, drawn(javaLoop, javaLoop::sample))).isGreaterThan(LEAST_P);
        assertThat(agreement(library, drawn(libtorch, libtorch::sample))).isGreaterThan(LEAST_P);
        assertThat(agreement(library, drawn(tuned, tuned::sample))).isGreaterThan(LEAST_P);
    }

    private static long[][] drawn(StepPeer peer, Runnable sample) {
        long[][] counts = new long[1][(LENGTH + 1) * VOCAB];
        for (int i = 0; i < STEPS; i++) {
            sample.run();
            counts[0][peer.token(0)]++;
        }
        return counts;
    }

    /** Mutants: another relaxation, a forgotten cut-off, a residual with another draft's rows. */
    @Test
    void aPeerWithAnotherLawIsCaught() {
        Setting setting = new Setting(1, 9, Logits.Type.F32, 1.1);
        Draft draft = draft(setting);
        long[][] library = library(setting, draft);
        float[] omega = Schedule.exponential(1.3).draftLength(LENGTH).omega();
        Draft relaxed = new Draft(draft.target(), draft.draft(), draft.tokens(), omega, 9, draft.acceptance());
        Draft uncut = new Draft(draft.target(), draft.draft(), draft.tokens(), draft.omega(), 0, draft.acceptance());
        LogitRows other = draft.target().near(LENGTH);
        Draft residual = new Draft(draft.target(), other, draft.tokens(), draft.omega(), 9, draft.acceptance());
        for (Draft mutant : List.of(relaxed, uncut, residual)) {
            assertThat(agreement(library, peer(setting, new JavaLoop(mutant)))).isLessThan(LEAST_P);
        }
    }
}
