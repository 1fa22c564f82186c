package org.coolsd;

import java.nio.DoubleBuffer;
import java.nio.IntBuffer;

/** The outcome of one call of a verifier; a view that the verifier's next call overwrites. */
public final class Verdict {
    private final IntBuffer tokens;
    private final IntBuffer accepted;
    private final IntBuffer status;
    private final DoubleBuffer drift;

    Verdict(IntBuffer tokens, IntBuffer accepted, IntBuffer status, DoubleBuffer drift) {
        this.tokens = tokens;
        this.accepted = accepted;
        this.status = status;
        this.drift = drift;
    }

    /** What became of the sequence; unless it is OK there are no tokens. */
    public Status status() {
        return Status.of(status.get(0));
    }

    /** Draft tokens accepted, 0..L. */
    public int accepted() {
        return accepted.get(0);
    }

    /** Tokens this step yields: the accepted ones and the drawn one, or 0 unless the status is OK. */
    public int length() {
        return status.get(0) == 0 ? accepted.get(0) + 1 : 0;
    }

    /** Token {@code i} of the step, 0 &lt;= i &lt; length(). */
    public int token(int i) {
        if (i < 0 || i >= length()) {
            throw new IndexOutOfBoundsException("i is " + i + ", the step has " + length() + " tokens");
        }
        return tokens.get(i);
    }

    /** Sum of D = TV(Phat, P) over the visited draft positions: this step's part of the drift bound. */
    public double drift() {
        double sum = 0;
        for (int i = 0; i < drift.limit(); i++) {
            sum += drift.get(i);
        }
        return sum;
    }
}
