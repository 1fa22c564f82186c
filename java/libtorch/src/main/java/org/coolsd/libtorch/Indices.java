package org.coolsd.libtorch;

import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** i64 values that Java writes and LibTorch reads, pass after pass. */
public final class Indices implements AutoCloseable {
    private final Tensor host;
    private final Tensor placed;
    private final LongPointer values;
    private final LeadingRows prefixes;

    /** Zeros, {@code capacity} of them. */
    public Indices(Placement placement, int capacity) {
        host = torch.zeros(new long[] {capacity}, new TensorOptions(ScalarType.Long))
                .retainReference();
        placed = placement.place(host);
        values = new LongPointer(host.data_ptr()).retainReference();
        prefixes = new LeadingRows(placed);
    }

    /** Sets value {@code i}; LibTorch sees it after {@link #send}. */
    public void put(int i, long value) {
        values.put(i, value);
    }

    /** Makes what was put visible to LibTorch. */
    public void send() {
        if (placed != host) {
            placed.copy_(host);
        }
    }

    /** All of them [capacity]. */
    public Tensor tensor() {
        return placed;
    }

    /** The first {@code n} of them. */
    public Tensor first(int n) {
        return prefixes.first(n);
    }

    @Override
    public void close() {
        prefixes.close();
        values.close();
        host.close();
    }
}
