package org.coolsd.bench;

import org.openjdk.jmh.annotations.Benchmark;

/** One verification of a batch of drafts, nothing cut off, and the limit: reading the same bytes once. */
public class VerifyBenchmark extends VerificationBenchmark {
    @Override
    int topK() {
        return 0;
    }

    /** Reading what a verification with normalisers visits: target rows, and the rejected one again with its draft row. */
    @Benchmark
    public long readingOnce() {
        int turn = nextTurn();
        long row = draft.target().rowBytes();
        long sum = 0;
        for (int b = 0; b < batch; b++) {
            int n = cycle.accepted(turn, b);
            sum += NativePeer.read(draft.target().address(b, 0), (n + 1) * row);
            if (n < length) {
                sum += NativePeer.read(draft.target().address(b, n), row);
                sum += NativePeer.read(draft.draft().address(b, n), row);
            }
        }
        return sum;
    }
}
