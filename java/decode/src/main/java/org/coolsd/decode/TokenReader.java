package org.coolsd.decode;

/**
 * What a drafter that reads every token, with what the target computed there, has read of one sequence: EAGLE's bookkeeping,
 * whatever engine runs its passes. The first pass of a step reads the tokens that the steps before decided, the others the
 * token drafted last.
 *
 * <p>Of a token that is decided the target has computed what it was drawn from. Of one that is forced it has not yet: its next
 * pass does. A drafter that keeps what the target computed ({@link #keeping}) reads a forced token with its own prediction to
 * draft behind it, and again once the target has been there. One that keeps nothing can only read what the target's last
 * pass computed: after a step that drafted nothing, other than the first, or a forced token, it is behind, and nothing more is
 * drafted.
 */
public final class TokenReader {
    private final int[] unread;
    private final boolean keeps;
    private int known;
    private int forced;
    private int read;
    private int drafted;
    private final int[] lastDrawn = new int[1];
    private boolean proposed;
    private boolean behind;

    /**
     * A drafter that keeps nothing.
     *
     * @param most the longest draft
     */
    public TokenReader(int most) {
        this(most + 1, false);
    }

    private TokenReader(int room, boolean keeps) {
        unread = new int[room];
        this.keeps = keeps;
    }

    /**
     * A drafter that keeps what the target computed of tokens that it has not read.
     *
     * @param room for so many unread tokens: what two steps yield, and as many forced ones, is enough
     */
    public static TokenReader keeping(int room) {
        return new TokenReader(room, true);
    }

    /**
     * A sequence begins, with nothing to be read yet.
     *
     * @param prefix positions before the generated tokens that the drafter's cache holds
     */
    public void begin(int prefix) {
        known = 0;
        forced = 0;
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
        proposed = known > 0 && !behind;
        return proposed;
    }

    /** Whether the last {@link #propose} of the step found something to read. */
    public boolean proposed() {
        return proposed;
    }

    /** Tokens that the next pass reads. */
    public int reads() {
        return drafted == 0 ? known : 1;
    }

    /** What the next pass reads: the first {@link #reads}; a view. With nothing drafted, the forced tokens follow. */
    public int[] tokens() {
        return drafted == 0 ? unread : lastDrawn;
    }

    /** Forced tokens behind the decided ones, of which the target has yet to compute what they follow. */
    public int forced() {
        return forced;
    }

    /** Tokens drafted in this step. */
    public int drafted() {
        return drafted;
    }

    /** Positions that the drafter's cache is to hold: the prefix, and the tokens that were read with what the target computed. */
    public int read() {
        return read;
    }

    /** The token of the proposal is {@code token}. */
    public void drawn(int token) {
        lastDrawn[0] = token;
        drafted++;
    }

    /** Whether so many more tokens can be kept, behind what is read of them in this step. */
    public boolean hasRoom(int more) {
        return forced + more + (proposed ? 0 : known) <= unread.length;
    }

    /** The first {@link #reads} tokens have been read, outside of a draft: {@link #read} counts them. */
    public void readAhead() {
        read += known;
        System.arraycopy(unread, known, unread, 0, forced);
        known = 0;
    }

    /**
     * The step yields the first {@code count} tokens; the target has computed what they and the forced ones before them follow.
     *
     * @return whether the drafter's cache is to be rolled back to {@link #read}; false once it is behind
     */
    public boolean decided(int[] tokens, int count) {
        if (known > 0 && !proposed && !keeps) {
            behind = true;
        }
        if (behind) {
            return false;
        }
        if (proposed) {
            readAhead();
        }
        System.arraycopy(tokens, 0, unread, known + forced, count);
        known += forced + count;
        forced = 0;
        drafted = 0;
        proposed = false;
        return true;
    }

    /** {@code token} is forced. */
    public void forced(int token) {
        if (keeps) {
            unread[known + forced++] = token;
        } else {
            behind = true;
        }
    }
}
