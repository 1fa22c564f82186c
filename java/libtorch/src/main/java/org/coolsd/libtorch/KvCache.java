package org.coolsd.libtorch;

import org.bytedeco.pytorch.InferenceMode;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Keys and values of one sequence, allocated once for every layer; with guidance, of its conditional and unconditional
 * halves. Its length is the number of positions that count; rolling back sets the length and nothing else, what lies
 * beyond is masked and overwritten by the next pass. A mask does not hide NaN: {@link #wipe} after a pass that made any.
 *
 * <p>Passes attend over whole blocks of positions, so that there are few views and all of them exist from the start.
 */
public final class KvCache implements AutoCloseable {
    /** Positions of a block. */
    static final int BLOCK = 32;

    private final Tensor[] memory;
    private final Tensor[] flat;
    private final Tensor[][] keys;
    private final Tensor[][] values;
    private final int halves;
    private final int capacity;
    private final OwnedTensors owned = new OwnedTensors();
    private int length;

    /**
     * @param halves 2 with guidance, else 1
     * @param capacity positions
     */
    public KvCache(Placement placement, DecoderShape shape, int halves, int capacity) {
        this.halves = halves;
        this.capacity = capacity;
        int layers = shape.layers();
        int heads = shape.keyHeads();
        int headDim = shape.headDim();
        int blocks = (capacity + BLOCK - 1) / BLOCK;
        memory = new Tensor[layers];
        flat = new Tensor[layers];
        keys = new Tensor[layers][blocks];
        values = new Tensor[layers][blocks];
        for (int i = 0; i < layers; i++) {
            memory[i] = owned.keep(placement.zeros(ScalarType.Float, halves, capacity, 2, heads, headDim));
            flat[i] = owned.keep(memory[i].view((long) halves * capacity, 2L * heads * headDim));
            for (int b = 0; b < blocks; b++) {
                int seen = Math.min(capacity, (b + 1) * BLOCK);
                keys[i][b] =
                        owned.keep(memory[i].select(2, 0).narrow(1, 0, seen).transpose(1, 2));
                values[i][b] =
                        owned.keep(memory[i].select(2, 1).narrow(1, 0, seen).transpose(1, 2));
            }
        }
    }

    /** Positions held. */
    public int length() {
        return length;
    }

    /** Positions there is room for. */
    public int capacity() {
        return capacity;
    }

    /**
     * Forgets everything from position {@code length} on.
     *
     * @throws IllegalArgumentException unless 0 &lt;= length &lt;= length()
     */
    public void rollBack(int length) {
        if (length < 0 || length > this.length) {
            throw new IllegalArgumentException("length is " + length + ", the cache holds " + this.length);
        }
        this.length = length;
    }

    /** Forgets everything and overwrites it with zeros. */
    public void wipe() {
        length = 0;
        try (InferenceMode inference = new InferenceMode(true)) {
            for (Tensor layer : memory) {
                layer.zero_();
            }
        }
    }

    /** 2 with guidance, else 1. */
    public int halves() {
        return halves;
    }

    /** Keys and values of a layer as rows [halves * capacity, 2 * keyHeads * headDim]. */
    Tensor flat(int layer) {
        return flat[layer];
    }

    /** The row of {@link #flat} that holds {@code position} of a half. */
    long row(int half, int position) {
        return (long) half * capacity + position;
    }

    /** Positions that a pass up to {@code end} attends over: whole blocks. */
    int seen(int end) {
        return Math.min(capacity, (end + BLOCK - 1) / BLOCK * BLOCK);
    }

    /** Keys [halves, keyHeads, seen(end), headDim]. */
    Tensor keys(int layer, int end) {
        return keys[layer][(end - 1) / BLOCK];
    }

    /** Values [halves, keyHeads, seen(end), headDim]. */
    Tensor values(int layer, int end) {
        return values[layer][(end - 1) / BLOCK];
    }

    void requireRoom(int n) {
        if (n < 1) {
            throw new IllegalArgumentException("n is " + n + ", it must be at least 1");
        }
        if (length + n > capacity) {
            throw new IllegalArgumentException(
                    n + " more positions do not fit: " + length + " of " + capacity + " are taken");
        }
    }

    void advance(int n) {
        length += n;
    }

    @Override
    public void close() {
        owned.close();
    }
}
