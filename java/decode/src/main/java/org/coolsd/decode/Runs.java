package org.coolsd.decode;

/** What one pass of the target is to score: for some slots, a chain of draft tokens each, which may be empty. */
public final class Runs {
    private final int[] slots;
    private final int[] lengths;
    private final int[][] tokens;
    private int count;

    Runs(int slots, int longest) {
        this.slots = new int[slots];
        lengths = new int[slots];
        tokens = new int[slots][longest];
    }

    void clear() {
        count = 0;
    }

    /** Adds a run; its tokens are written to what is returned. */
    int[] add(int slot, int length) {
        slots[count] = slot;
        lengths[count] = length;
        return tokens[count++];
    }

    /** How many sequences are to be scored, each once. */
    public int count() {
        return count;
    }

    /** The slot of run {@code k}. */
    public int slot(int k) {
        return slots[check(k, count)];
    }

    /** Draft tokens of run {@code k}, at least 0. */
    public int length(int k) {
        return lengths[check(k, count)];
    }

    /** Draft token {@code i} of run {@code k}. */
    public int token(int k, int i) {
        return tokens[check(k, count)][check(i, lengths[k])];
    }

    private static int check(int i, int length) {
        return java.util.Objects.checkIndex(i, length);
    }
}
