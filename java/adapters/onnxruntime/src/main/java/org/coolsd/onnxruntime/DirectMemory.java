package org.coolsd.onnxruntime;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Direct buffers that tensors are made over. They are zeroed, and freed when nothing refers to them any more. */
final class DirectMemory {
    private DirectMemory() {}

    /** @throws IllegalArgumentException if one buffer cannot hold that much */
    static ByteBuffer allocate(long bytes, String what) {
        if (bytes > Integer.MAX_VALUE) {
            throw new IllegalArgumentException(
                    what + " need " + bytes + " bytes, a buffer holds 2 GiB: use fewer slots or shorter prompts");
        }
        return ByteBuffer.allocateDirect((int) bytes).order(ByteOrder.nativeOrder());
    }

    /** The buffer if it is large enough, else a new one. */
    static ByteBuffer atLeast(ByteBuffer buffer, long bytes, String what) {
        return buffer.capacity() >= bytes ? buffer : allocate(bytes, what);
    }
}
