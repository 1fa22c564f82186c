package org.coolsd.libtorch;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.InferenceMode;

/**
 * What passes run in: LibTorch's inference mode, which spares every operation autograd's bookkeeping, and a pointer scope,
 * which frees the tensors that they make. Of the thread that opens it.
 */
public final class PassScope implements AutoCloseable {
    private final InferenceMode inference = new InferenceMode(true);
    private final PointerScope pointers = new PointerScope();

    /** Opens the scope; it must be closed by the same thread. */
    public PassScope() {}

    @Override
    public void close() {
        pointers.close();
        inference.close();
    }
}
