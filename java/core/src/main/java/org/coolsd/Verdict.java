package org.coolsd;

/**
 * The outcome of the last verification for one sequence; a view that the next verification overwrites. It belongs to its
 * step and cannot be read after that was closed.
 */
public final class Verdict {
    private final Step step;
    private final int slot;

    Verdict(Step step, int slot) {
        this.step = step;
        this.slot = slot;
    }

    /** What became of the sequence; unless it is OK there are no tokens. */
    public Status status() {
        return step.verdictStatus(slot);
    }

    /** Draft tokens accepted, 0..n; 0 unless the status is OK. */
    public int accepted() {
        return Math.max(0, step.verdictLength(slot) - 1);
    }

    /** Tokens this step yields: the accepted ones and the drawn one, or 0 unless the status is OK. */
    public int length() {
        return step.verdictLength(slot);
    }

    /** Token {@code i} of the step, 0 &lt;= i &lt; length(). */
    public int token(int i) {
        return step.verdictToken(slot, i);
    }

    /** Sum of D = TV(Phat, P) over the visited draft positions: this step's part of the drift bound. */
    public double drift() {
        return step.verdictDrift(slot);
    }

    /** D = TV(Phat, P) of the position of token {@code i}: 0 for the bonus. */
    public double drift(int i) {
        return step.verdictDrift(slot, i);
    }

    /** P/Phat of token {@code i}: 1 for the bonus. The product over an image bounds its drift (docs/method.md). */
    public double ratio(int i) {
        return step.verdictRatio(slot, i);
    }

    /** log P of token {@code i}, natural. */
    public double logProb(int i) {
        return step.verdictLogProb(slot, i);
    }

    /**
     * The factor omega of the position of token {@code i}: what was given, or what the budget or the entropy made of it; 1
     * for the bonus.
     */
    public double factor(int i) {
        return step.verdictFactor(slot, i);
    }
}
