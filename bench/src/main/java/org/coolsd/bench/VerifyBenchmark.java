package org.coolsd.bench;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Setup;

/** One verification of a batch of drafts, nothing cut off, and the limit: reading the same bytes once. */
public class VerifyBenchmark extends VerificationBenchmark {
    /** [turn][b]: how many draft tokens are accepted. */
    private final int[][] accepted = new int[SEEDS][];

    @Override
    int topK() {
        return 0;
    }

    @Override
    @Setup
    public void setup() {
        super.setup();
        for (int i = 0; i < SEEDS; i++) {
            int[] counts = new int[batch];
            library();
            for (int b = 0; b < batch; b++) {
                counts[b] = step.verdict(b).accepted();
            }
            // library() began the turn that follows the last one.
            accepted[(i + 1) & (SEEDS - 1)] = counts;
        }
    }

    /** Reading what a verification with normalisers visits: target rows, and the rejected one again with its draft row. */
    @Benchmark
    public long readingOnce() {
        int[] counts = accepted[nextTurn()];
        long row = draft.target().rowBytes();
        long sum = 0;
        for (int b = 0; b < batch; b++) {
            int n = counts[b];
            sum += NativePeer.read(draft.target().address(b, 0), (n + 1) * row);
            if (n < length) {
                sum += NativePeer.read(draft.target().address(b, n), row);
                sum += NativePeer.read(draft.draft().address(b, n), row);
            }
        }
        return sum;
    }
}
