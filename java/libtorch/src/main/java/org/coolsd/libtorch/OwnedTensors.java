package org.coolsd.libtorch;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.Pointer;

/**
 * What an object keeps of LibTorch's memory: it outlives every pointer scope that it was made in, a caller's too, and is
 * freed together, once. One thread at a time.
 */
public final class OwnedTensors implements AutoCloseable {
    private final List<Pointer> owned = new ArrayList<>();

    /** Owns nothing yet. */
    public OwnedTensors() {}

    /** Keeps {@code tensor}, or whatever else of LibTorch has to live as long, and returns it. */
    public <T extends Pointer> T keep(T tensor) {
        owned.add(tensor.retainReference());
        return tensor;
    }

    /** Frees everything; does nothing the second time. */
    @Override
    public void close() {
        owned.forEach(Pointer::releaseReference);
        owned.clear();
    }
}
