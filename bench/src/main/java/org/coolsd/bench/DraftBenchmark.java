package org.coolsd.bench;

import org.coolsd.Backend;
import org.coolsd.Logits;
import org.coolsd.Sampling;
import org.coolsd.Schedule;
import org.coolsd.Verifier;
import org.coolsd.VerifierSpec;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.TearDown;

/**
 * The parameters and the data that benchmarks share: random logits, a draft drawn from them, a verifier of COOL-SD with
 * delta = 1.1, and the peers. Drafts change from call to call in a cycle of {@link DraftCycle}.
 */
public abstract class DraftBenchmark extends TimedBenchmark {
    /** Vocabulary size V. */
    @Param({"8192", "16384", "65536", "131072"})
    public int vocab;

    /** Sequences in a step. */
    @Param({"1", "8"})
    public int batch;

    /** Elements of the logits. */
    @Param({"F32", "BF16"})
    public Logits.Type type;

    Draft draft;
    Verifier verifier;
    DraftCycle cycle;
    private JavaLoop javaLoop;
    private LibTorchOperators libtorch;
    private LibTorchTuned libtorchTuned;
    private int turn;

    /** Makes everything for drafts of {@code length} tokens. */
    void prepare(int length, int topK) {
        Schedule.Drafts schedule = Schedule.exponential(1.1).draftLength(length);
        verifier = Verifier.open(
                Backend.cpu(), VerifierSpec.of(vocab, schedule, Sampling.of().topK(topK)));
        LogitRows target = LogitRows.random(batch, length + 1, vocab, type);
        LogitRows drafted = target.near(length);
        cycle = new DraftCycle(verifier, batch, target, drafted);
        draft = new Draft(target, drafted, cycle.tokens(), schedule.omega(), topK, cycle::uniform);
    }

    // Peers are made in the warm-up of those who call them: loading LibTorch takes a second.

    JavaLoop javaLoopPeer() {
        if (javaLoop == null) {
            javaLoop = new JavaLoop(draft);
        }
        return javaLoop;
    }

    LibTorchOperators libtorchPeer() {
        if (libtorch == null) {
            libtorch = new LibTorchOperators(draft);
        }
        return libtorch;
    }

    LibTorchTuned libtorchTunedPeer() {
        if (libtorchTuned == null) {
            libtorchTuned = new LibTorchTuned(draft);
        }
        return libtorchTuned;
    }

    /** Begins the next turn of the cycle and returns it, 0..{@link DraftCycle#COUNT} - 1. */
    int nextTurn() {
        turn = turn + 1 & DraftCycle.COUNT - 1;
        return turn;
    }

    /** Frees the verifier. */
    @TearDown
    public void tearDown() {
        verifier.close();
    }
}
