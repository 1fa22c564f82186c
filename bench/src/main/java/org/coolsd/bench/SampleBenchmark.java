package org.coolsd.bench;

import org.coolsd.Logits;
import org.coolsd.Step;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Setup;

/** One draft token of every sequence drawn from raw logits, with its normaliser, and the limit: reading the rows once. */
public class SampleBenchmark extends DraftBenchmark {
    private Logits row;

    /** Makes everything. */
    @Setup
    public void setup() {
        prepare(1, 0);
        row = draft.draft().view();
    }

    /** The library. */
    @Benchmark
    public Step library() {
        int turn = nextTurn();
        Step step = cycle.step(turn);
        for (int b = 0; b < batch; b++) {
            step.begin(b, cycle.seedOf(turn, b), 0);
        }
        step.sampleDraft(row);
        return step;
    }

    /** LibTorch's softmax and multinomial. */
    @Benchmark
    public StepPeer libtorch() {
        LibTorchOperators peer = libtorchPeer();
        peer.sample();
        return peer;
    }

    /** LibTorch's softmax and cumsum. */
    @Benchmark
    public StepPeer libtorchTuned() {
        LibTorchTuned peer = libtorchTunedPeer();
        peer.sample();
        return peer;
    }

    /** A scalar Java loop. */
    @Benchmark
    public StepPeer javaLoop() {
        JavaLoop peer = javaLoopPeer();
        peer.sample();
        return peer;
    }

    /** Reading the rows. */
    @Benchmark
    public long readingOnce() {
        long sum = 0;
        for (int b = 0; b < batch; b++) {
            sum += NativePeer.read(draft.draft().address(b, 0), draft.draft().rowBytes());
        }
        return sum;
    }
}
