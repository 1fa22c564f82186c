package org.coolsd.decode;

/**
 * What a drafter that reads every token, with what the target computed there, has read of one sequence: EAGLE's bookkeeping,
 * whatever engine runs its passes. The first pass of a step reads the tokens that the step before decided, the others the token
 * drafted last. Where a token could not be read (a step that drafted nothing, other than the first; a forced token), the
 * drafter is behind: what the target computed of it is gone, and nothing more is drafted.
 */
public final class TokenReader {
    private final int[] unread;
    private int unreadCount;
    private int read;
    private int drafted;
    private final int[] lastDrawn = new int[1];
    private boolean proposed;
    private boolean behind;

    /** @param most the longest draft */
    public TokenReader(int most) {
        unread = new int[most + 1];
    }

    /**
     * A sequence begins, with nothing to be read yet.
     *
     * @param prefix positions before the generated tokens that the drafter's cache holds
     */
    public void begin(int prefix) {
        unreadCount = 0;
        read = prefix;
        drafted = 0;
        proposed = false;
        behind = false;
    }

    /** A step begins, with no draft tokens. */
    public void step() {
        drafted = 0;
        proposed = false;
    }

    /** Begins the proposal of one more token; returns whether there is one. */
    public boolean propose() {
        proposed = unreadCount > 0 && !behind;
        return proposed;
    }

    /** Whether the last {@link #propose} of the step found something to read. */
    public boolean proposed() {
        return proposed;
    }

    /** Tokens that the next pass reads. */
    public int reads() {
        return drafted == 0 ? unreadCount : 1;
    }

    /** What the next pass reads: the first {@link #reads}; a view. */
    public int[] tokens() {
        return drafted == 0 ? unread : lastDrawn;
    }

    /** Tokens drafted in this step. */
    public int drafted() {
        return drafted;
    }

    /** Positions that the drafter's cache is to hold: the prefix, and the decided tokens that were read. */
    public int read() {
        return read;
    }

    /** The token of the proposal is {@code token}. */
    public void drawn(int token) {
        lastDrawn[0] = token;
        drafted++;
    }

    /**
     * The step yields the first {@code count} tokens.
     *
     * @return whether the drafter's cache is to be rolled back to {@link #read}; false once it is behind
     */
    public boolean decided(int[] tokens, int count) {
        if (unreadCount > 0 && !proposed) {
            behind = true;
            return false;
        }
        read += unreadCount;
        System.arraycopy(tokens, 0, unread, 0, count);
        unreadCount = count;
        return true;
    }

    /** A token was forced. */
    public void forced() {
        behind = true;
    }
}
