package org.coolsd.engine.model;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Keys and values of one batch of sequences, allocated once for every layer. Its length is the number of positions
 * that count; rolling back sets the length and nothing else, what lies beyond is overwritten by the next forward pass.
 */
public final class KvCache implements AutoCloseable {
    private final Tensor[] keys;
    private final Tensor[] values;
    private final int capacity;
    private int length;

    KvCache(int layers, long batch, long heads, int capacity, long headDim) {
        this.capacity = capacity;
        keys = new Tensor[layers];
        values = new Tensor[layers];
        long[] shape = {batch, heads, capacity, headDim};
        for (int i = 0; i < layers; i++) {
            keys[i] = torch.zeros(shape, new TensorOptions(ScalarType.Float));
            values[i] = torch.zeros(shape, new TensorOptions(ScalarType.Float));
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

    /** Writes {@code rows} [batch, heads, n, headDim] behind the current length and returns everything up to them. */
    Tensor[] append(int layer, Tensor key, Tensor value) {
        long n = key.size(2);
        keys[layer].narrow(2, length, n).copy_(key);
        values[layer].narrow(2, length, n).copy_(value);
        return new Tensor[] {keys[layer].narrow(2, 0, length + n), values[layer].narrow(2, 0, length + n)};
    }

    void requireRoom(long n) {
        if (length + n > capacity) {
            throw new IllegalArgumentException(
                    n + " more positions do not fit: " + length + " of " + capacity + " are taken");
        }
    }

    void advance(long n) {
        length += (int) n;
    }

    @Override
    public void close() {
        for (int i = 0; i < keys.length; i++) {
            keys[i].close();
            values[i].close();
        }
    }
}
