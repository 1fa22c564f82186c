package org.coolsd;

import java.nio.DoubleBuffer;
import java.nio.IntBuffer;

/** The outcome of one call for one sequence; a view that the step's next call overwrites. */
public final class Verdict {
    private final int sequence;
    private final int draftLength;
    private final IntBuffer tokens;
    private final IntBuffer accepted;
    private final IntBuffer status;
    private final DoubleBuffer drift;
    private final DoubleBuffer ratio;
    private final DoubleBuffer logProb;

    /** Buffers are the whole batch's; those of reports that were not asked for are null. */
    Verdict(
            int sequence,
            int draftLength,
            IntBuffer tokens,
            IntBuffer accepted,
            IntBuffer status,
            DoubleBuffer drift,
            DoubleBuffer ratio,
            DoubleBuffer logProb) {
        this.sequence = sequence;
        this.draftLength = draftLength;
        this.tokens = tokens;
        this.accepted = accepted;
        this.status = status;
        this.drift = drift;
        this.ratio = ratio;
        this.logProb = logProb;
    }

    /** What became of the sequence; unless it is OK there are no tokens. */
    public Status status() {
        return Status.of(status.get(sequence));
    }

    /** Draft tokens accepted, 0..L. */
    public int accepted() {
        return accepted.get(sequence);
    }

    /** Tokens this step yields: the accepted ones and the drawn one, or 0 unless the status is OK. */
    public int length() {
        return status.get(sequence) == 0 ? accepted.get(sequence) + 1 : 0;
    }

    /** Token {@code i} of the step, 0 &lt;= i &lt; length(). */
    public int token(int i) {
        return tokens.get(at(i));
    }

    /** Sum of D = TV(Phat, P) over the visited draft positions: this step's part of the drift bound. */
    public double drift() {
        require("DRIFT", drift);
        double sum = 0;
        for (int i = 0; i < draftLength; i++) {
            sum += drift.get(sequence * draftLength + i);
        }
        return sum;
    }

    /** P/Phat of token {@code i}: 1 for the bonus. The product over an image bounds its drift (METHOD). */
    public double ratio(int i) {
        require("RATIO", ratio);
        return ratio.get(at(i));
    }

    /** log P of token {@code i}. */
    public double logProb(int i) {
        require("LOG_PROB", logProb);
        return logProb.get(at(i));
    }

    private int at(int i) {
        if (i < 0 || i >= length()) {
            throw new IndexOutOfBoundsException("i is " + i + ", the step has " + length() + " tokens");
        }
        return sequence * (draftLength + 1) + i;
    }

    private static void require(String report, DoubleBuffer values) {
        if (values == null) {
            throw new IllegalStateException("the verifier's spec does not ask for the report " + report);
        }
    }
}
