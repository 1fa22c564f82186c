package org.coolsd.bench;

import org.coolsd.Logits;
import org.coolsd.Step;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;

/** One verification, by the library and by its peers, with whatever cut-off the benchmark has. */
public abstract class VerificationBenchmark extends DraftBenchmark {
    /** Draft length L. */
    @Param({"1", "3", "5", "8"})
    public int length;

    private Step elsewhere;
    private Logits targetRows;
    private Logits draftRows;

    /** The k largest logits that are kept, 0 for all. */
    abstract int topK();

    /** Makes everything. */
    @Setup
    public void setup() {
        prepare(length, topK());
        elsewhere = verifier.step(batch);
        targetRows = draft.target().view();
        draftRows = draft.draft().view();
    }

    /** The library with the normalisers that sampling found. */
    @Benchmark
    public Step library() {
        Step step = cycle.step(nextTurn());
        step.verify(targetRows, draftRows);
        return step;
    }

    /** The library when the draft was sampled elsewhere. */
    @Benchmark
    public Step libraryWithoutNormalisers() {
        int turn = nextTurn();
        for (int b = 0; b < batch; b++) {
            elsewhere.begin(b, cycle.seedOf(turn, b), 0);
            elsewhere.draft(b, draft.tokens()[turn][b], length);
        }
        elsewhere.verify(targetRows, draftRows);
        return elsewhere;
    }

    /** LibTorch's operators as a user composes them. */
    @Benchmark
    public StepPeer libtorch() {
        LibTorchOperators peer = libtorchPeer();
        peer.verify(nextTurn());
        return peer;
    }

    /** The fastest order of LibTorch's operators, with the draft's probabilities kept. */
    @Benchmark
    public StepPeer libtorchTuned() {
        LibTorchTuned peer = libtorchTunedPeer();
        peer.verify(nextTurn());
        return peer;
    }

    /** A scalar Java loop. */
    @Benchmark
    public StepPeer javaLoop() {
        JavaLoop peer = javaLoopPeer();
        peer.verify(nextTurn());
        return peer;
    }
}
