package org.coolsd.libtorch;

import org.bytedeco.pytorch.InferenceMode;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Keys and values of one sequence, of every layer; with guidance, of its conditional and unconditional halves. Its length is the
 * number of positions that count; rolling back sets the length and nothing else, what lies beyond is masked and overwritten by
 * the next pass. A mask does not hide NaN: {@link #wipe} after a pass that made any.
 *
 * <p>Memory is allocated for as many positions as most images have and grows with a longer sequence: the longest one that a
 * model can read may be many times what it is asked for. Passes attend over whole blocks of positions, so that there are few
 * views, made with the memory.
 */
public final class KvCache implements AutoCloseable {
    /** Positions of a block. */
    static final int BLOCK = 32;

    /** Positions there is room for from the start; whole blocks. */
    static final int FIRST = 1024;

    private final Placement placement;
    private final DecoderShape shape;
    private final int halves;
    private final int longest;
    private Layer[] layers;
    private int capacity;
    private int length;

    /** One layer's memory and its views. */
    private static final class Layer {
        private final OwnedTensors owned = new OwnedTensors();
        private final Tensor memory;
        private final Tensor flat;
        private final Tensor[] keys;
        private final Tensor[] values;

        Layer(Placement placement, DecoderShape shape, int halves, int capacity) {
            int heads = shape.keyHeads();
            int headDim = shape.headDim();
            int blocks = (capacity + BLOCK - 1) / BLOCK;
            memory = owned.keep(placement.zeros(ScalarType.Float, halves, capacity, 2, heads, headDim));
            flat = owned.keep(memory.view((long) halves * capacity, 2L * heads * headDim));
            keys = new Tensor[blocks];
            values = new Tensor[blocks];
            for (int b = 0; b < blocks; b++) {
                int seen = Math.min(capacity, (b + 1) * BLOCK);
                keys[b] = owned.keep(memory.select(2, 0).narrow(1, 0, seen).transpose(1, 2));
                values[b] = owned.keep(memory.select(2, 1).narrow(1, 0, seen).transpose(1, 2));
            }
        }
    }

    /**
     * @param halves 2 with guidance, else 1
     * @param longest positions of the longest sequence
     */
    public KvCache(Placement placement, DecoderShape shape, int halves, int longest) {
        this.placement = placement;
        this.shape = shape;
        this.halves = halves;
        this.longest = longest;
        capacity = Math.min(longest, FIRST);
        layers = allocate(capacity);
    }

    /** Memory of all layers, or none of it. */
    private Layer[] allocate(int positions) {
        Layer[] made = new Layer[shape.layers()];
        try {
            for (int i = 0; i < made.length; i++) {
                made[i] = new Layer(placement, shape, halves, positions);
            }
            return made;
        } catch (RuntimeException | Error e) {
            free(made);
            throw e;
        }
    }

    private static void free(Layer[] layers) {
        for (Layer layer : layers) {
            if (layer != null) {
                layer.owned.close();
            }
        }
    }

    /** Positions held. */
    public int length() {
        return length;
    }

    /** Positions there is room for without growing. */
    int capacity() {
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
            for (Layer layer : layers) {
                layer.memory.zero_();
            }
        }
    }

    /** 2 with guidance, else 1. */
    public int halves() {
        return halves;
    }

    /** Keys and values of a layer as rows [halves * capacity, 2 * keyHeads * headDim]. */
    Tensor flat(int layer) {
        return layers[layer].flat;
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
        return layers[layer].keys[(end - 1) / BLOCK];
    }

    /** Values [halves, keyHeads, seen(end), headDim]. */
    Tensor values(int layer, int end) {
        return layers[layer].values[(end - 1) / BLOCK];
    }

    /**
     * Makes room for {@code n} more positions; rows and views from before are no longer this cache's if it has to grow.
     *
     * @throws IllegalArgumentException if the sequence would be longer than the longest
     */
    void makeRoom(int n) {
        if (n < 1) {
            throw new IllegalArgumentException("n is " + n + ", it must be at least 1");
        }
        if (length + n > longest) {
            throw new IllegalArgumentException(
                    n + " more positions do not fit: " + length + " of " + longest + " are taken");
        }
        if (length + n > capacity) {
            grow(Math.max(length + n, capacity + capacity / 2));
        }
    }

    /** All or nothing: where there is no room for the larger memory, the smaller is as it was. */
    private void grow(int wanted) {
        int larger = Math.min(longest, (wanted + BLOCK - 1) / BLOCK * BLOCK);
        try (PassScope scope = new PassScope()) {
            Layer[] grown = allocate(larger);
            for (int i = 0; i < grown.length; i++) {
                grown[i].memory.narrow(1, 0, length).copy_(layers[i].memory.narrow(1, 0, length));
            }
            free(layers);
            layers = grown;
        }
        capacity = larger;
    }

    void advance(int n) {
        length += n;
    }

    @Override
    public void close() {
        free(layers);
    }
}
