package org.coolsd.libtorch;

/** How much memory a {@link KvCache} has when its sequence has grown to a length step by step. */
public final class KvCacheMemory {
    private final long position;
    private final int longest;

    /**
     * Of one branch.
     *
     * @param layers at least 1
     * @param keyHeads of keys and values
     * @param headDim channels of a head
     * @param longest positions of the longest sequence
     */
    public KvCacheMemory(int layers, int keyHeads, int headDim, int longest) {
        position = 2L * layers * keyHeads * headDim * Float.BYTES;
        this.longest = longest;
    }

    /** Bytes of a branch of {@code length} positions. */
    public long bytes(int length) {
        return position * positions(length);
    }

    /** Bytes that are there besides while it grows for the last time: of the smaller memory; 0 if it does not grow. */
    public long growing(int length) {
        int room = Math.min(longest, KvCache.FIRST);
        int former = 0;
        while (room < Math.min(length, longest)) {
            former = room;
            room = next(room);
        }
        return position * former;
    }

    /** Positions that there is room for. */
    int positions(int length) {
        int room = Math.min(longest, KvCache.FIRST);
        while (room < Math.min(length, longest)) {
            room = next(room);
        }
        return room;
    }

    private int next(int room) {
        int wanted = room + room / 2;
        return Math.min(longest, (wanted + KvCache.BLOCK - 1) / KvCache.BLOCK * KvCache.BLOCK);
    }
}
