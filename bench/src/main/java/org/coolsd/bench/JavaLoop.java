package org.coolsd.bench;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.coolsd.bench.LogitRows.HeapRows;

/** A scalar Java loop, lazy as the library is and, between calls, without allocation unless there is a cut-off. */
final class JavaLoop implements StepPeer {
    private final Draft step;
    private final HeapRows[] target;
    private final HeapRows[] draft;
    private final Law p = new Law();
    private final Law q = new Law();
    private final int[] accepted;
    private final int[] drawn;
    private final double[] weights;
    private final SplittableRandom random = new SplittableRandom(1);

    /** What makes the row that begins at {@code start} a law. */
    private final class Law {
        private HeapRows rows;
        private int start;
        private float largest;
        private float least;
        private double mass;

        void read(HeapRows from, int row) {
            rows = from;
            start = row * step.vocab();
            least = leastKept();
            largest = Float.NEGATIVE_INFINITY;
            for (int v = start; v < start + step.vocab(); v++) {
                largest = Math.max(largest, rows.get(v));
            }
            mass = 0;
            for (int v = start; v < start + step.vocab(); v++) {
                if (rows.get(v) >= least) {
                    mass += Math.exp(rows.get(v) - largest);
                }
            }
        }

        private float leastKept() {
            if (step.topK() == 0) {
                return Float.NEGATIVE_INFINITY;
            }
            float[] sorted = rows.copy(start, start + step.vocab());
            Arrays.sort(sorted);
            return sorted[step.vocab() - step.topK()];
        }

        double of(int token) {
            float x = rows.get(start + token);
            return x >= least ? Math.exp(x - largest) / mass : 0;
        }
    }

    JavaLoop(Draft step) {
        this.step = step;
        int batch = step.batch();
        target = new HeapRows[batch];
        draft = new HeapRows[batch];
        for (int b = 0; b < batch; b++) {
            target[b] = step.target().heapRows(b);
            draft[b] = step.draft().heapRows(b);
        }
        accepted = new int[batch];
        drawn = new int[batch];
        weights = new double[step.vocab()];
    }

    @Override
    public void verify(int turn) {
        for (int b = 0; b < step.batch(); b++) {
            verify(turn, b);
        }
    }

    private void verify(int turn, int b) {
        int n = 0;
        p.read(target[b], 0);
        while (n < step.length()) {
            q.read(draft[b], n);
            int token = step.tokens()[turn][b][n];
            if (!(step.acceptance().uniform(turn, b, n) * q.of(token) < step.omega()[n] * p.of(token))) {
                break;
            }
            n++;
            p.read(target[b], n);
        }
        double sum = 0;
        for (int v = 0; v < step.vocab(); v++) {
            double law = p.of(v);
            if (n < step.length()) {
                law = Math.max(Math.max(law - q.of(v), (1 - step.omega()[n]) * law), 0);
            }
            weights[v] = law;
            sum += law;
        }
        accepted[b] = n;
        drawn[b] = find(random.nextDouble() * sum);
    }

    /** Draws a token from the first draft row of every sequence. */
    void sample() {
        for (int b = 0; b < step.batch(); b++) {
            q.read(draft[b], 0);
            double reached = 0;
            double wanted = random.nextDouble() * q.mass;
            int v = -1;
            while (reached <= wanted && v < step.vocab() - 1) {
                v++;
                reached += q.of(v) * q.mass;
            }
            drawn[b] = v;
        }
    }

    private int find(double wanted) {
        double reached = 0;
        for (int v = 0; v < step.vocab(); v++) {
            reached += weights[v];
            if (reached > wanted) {
                return v;
            }
        }
        return step.vocab() - 1;
    }

    @Override
    public int accepted(int b) {
        return accepted[b];
    }

    @Override
    public int token(int b) {
        return drawn[b];
    }
}
