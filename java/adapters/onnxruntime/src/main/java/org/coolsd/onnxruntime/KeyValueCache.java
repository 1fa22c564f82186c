package org.coolsd.onnxruntime;

import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Keys and values of the rows of a batch. The past tensors [rows, heads, past, channels] are as long as the longest row needs,
 * rounded up; what a row does not use is masked. A pass writes the present tensors, of which the new positions that stay are
 * copied behind the row's own; to forget positions is to make the row shorter.
 */
final class KeyValueCache {
    /** Past positions come in such blocks, so that few shapes occur. */
    static final int BLOCK = 64;

    private final int rows;
    private final int heads;
    /** Bytes of a head at a position. */
    private final int unit;

    private final ByteBuffer[] past;
    private final ByteBuffer[] present;
    private final int[] lengths;
    private int positions;
    /** New positions of the last pass. */
    private int added;

    KeyValueCache(OnnxLayout layout, int rows) {
        this.rows = rows;
        heads = layout.heads();
        unit = Math.multiplyExact(layout.channels(), layout.keyValues().size);
        past = new ByteBuffer[2 * layout.layers()];
        present = new ByteBuffer[past.length];
        Arrays.fill(past, DirectMemory.allocate(0, "key-values"));
        Arrays.fill(present, DirectMemory.allocate(0, "key-values"));
        lengths = new int[rows];
    }

    /** Positions of the past tensors. */
    int positions() {
        return positions;
    }

    /** Positions that {@code row} has. */
    int length(int row) {
        return lengths[row];
    }

    ByteBuffer past(int tensor) {
        return past[tensor];
    }

    ByteBuffer present(int tensor) {
        return present[tensor];
    }

    /**
     * Makes the tensors as long as a pass with {@code count} new positions needs.
     *
     * @return whether buffers are others than before
     */
    boolean fit(int count) {
        int longest = 0;
        for (int length : lengths) {
            longest = Math.max(longest, length);
        }
        int wanted = (longest + count + BLOCK - 1) / BLOCK * BLOCK;
        boolean replaced = false;
        for (int i = 0; wanted != positions && i < past.length; i++) {
            ByteBuffer to = DirectMemory.atLeast(past[i], bytes(wanted), "past key-values");
            move(past[i], to, wanted);
            replaced |= to != past[i];
            past[i] = to;
        }
        positions = wanted;
        added = count;
        for (int i = 0; i < present.length; i++) {
            ByteBuffer to = DirectMemory.atLeast(present[i], bytes(positions + count), "present key-values");
            replaced |= to != present[i];
            present[i] = to;
        }
        return replaced;
    }

    private long bytes(int count) {
        return (long) rows * heads * count * unit;
    }

    /** Moves what the rows have to where it is with {@code wanted} positions for each; from the end if they move up. */
    private void move(ByteBuffer from, ByteBuffer to, int wanted) {
        int lanes = rows * heads;
        for (int i = 0; i < lanes; i++) {
            int lane = wanted > positions ? lanes - 1 - i : i;
            to.put(lane * wanted * unit, from, lane * positions * unit, lengths[lane / heads] * unit);
        }
    }

    /** Takes the first {@code count} of a row's new positions into its past. */
    void take(int row, int count) {
        int stride = positions + added;
        for (int i = 0; i < past.length; i++) {
            for (int head = 0; head < heads; head++) {
                int lane = row * heads + head;
                past[i].put(
                        (lane * positions + lengths[row]) * unit,
                        present[i],
                        (lane * stride + positions) * unit,
                        count * unit);
            }
        }
        lengths[row] += count;
    }

    /** Forgets what is behind the first {@code length} positions. */
    void rollBack(int row, int length) {
        lengths[row] = Math.min(lengths[row], length);
    }

    /** Forgets a row, and NaN that it may hold, which no mask hides. */
    void wipe(int row) {
        lengths[row] = 0;
        for (ByteBuffer tensor : past) {
            for (int at = row * heads * positions * unit; at < (row + 1) * heads * positions * unit; at++) {
                tensor.put(at, (byte) 0);
            }
        }
    }
}
