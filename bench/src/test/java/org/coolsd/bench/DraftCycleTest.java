package org.coolsd.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.coolsd.Backend;
import org.coolsd.Logits;
import org.coolsd.Sampling;
import org.coolsd.Schedule;
import org.coolsd.Step;
import org.coolsd.Verifier;
import org.coolsd.VerifierSpec;
import org.junit.jupiter.api.Test;

/** Every implementation does the same work in every turn, and cases are comparable. */
class DraftCycleTest {
    private static final int LENGTH = 5;

    private static Verifier verifier(int vocab) {
        Schedule.Drafts schedule = Schedule.exponential(1.1).draftLength(LENGTH);
        return Verifier.open(Backend.cpu(), VerifierSpec.of(vocab, schedule, Sampling.of()));
    }

    @Test
    void libraryAndPeersAcceptTheSame() {
        int batch = 3;
        LogitRows target = LogitRows.random(batch, LENGTH + 1, 300, Logits.Type.F32);
        LogitRows rows = target.near(LENGTH);
        try (Verifier verifier = verifier(300)) {
            DraftCycle cycle = new DraftCycle(verifier, batch, target, rows);
            float[] omega = verifier.spec().drafts().omega();
            Draft draft = new Draft(target, rows, cycle.tokens(), omega, 0, cycle::uniform);
            List<StepPeer> peers = List.of(new JavaLoop(draft), new LibTorchOperators(draft), new LibTorchTuned(draft));
            for (int turn = 0; turn < DraftCycle.COUNT; turn++) {
                Step step = cycle.step(turn);
                step.verify(target.view(), rows.view());
                for (StepPeer peer : peers) {
                    peer.verify(turn);
                    for (int b = 0; b < batch; b++) {
                        assertThat(peer.accepted(b)).isEqualTo(cycle.accepted(turn, b));
                        assertThat(step.verdict(b).accepted()).isEqualTo(cycle.accepted(turn, b));
                    }
                }
            }
        }
    }

    @Test
    void acceptedLengthsDoNotDependOnTheCase() {
        double f32 = meanAccepted(1, 4096, Logits.Type.F32);
        assertThat(meanAccepted(1, 4096, Logits.Type.BF16)).isBetween(f32 - 0.2, f32 + 0.2);
        assertThat(meanAccepted(1, 16384, Logits.Type.F32)).isBetween(f32 - 0.2, f32 + 0.2);
        assertThat(meanAccepted(8, 4096, Logits.Type.F32)).isBetween(f32 - 0.2, f32 + 0.2);
    }

    private static double meanAccepted(int batch, int vocab, Logits.Type type) {
        LogitRows target = LogitRows.random(batch, LENGTH + 1, vocab, type);
        LogitRows draft = target.near(LENGTH);
        double sum = 0;
        try (Verifier verifier = verifier(vocab)) {
            DraftCycle cycle = new DraftCycle(verifier, batch, target, draft);
            for (int turn = 0; turn < DraftCycle.COUNT; turn++) {
                for (int b = 0; b < batch; b++) {
                    sum += cycle.accepted(turn, b);
                }
            }
        }
        return sum / (DraftCycle.COUNT * batch);
    }
}
