package org.coolsd.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * A tensor as a checkpoint holds it: a type, a shape and bytes, row by row in little-endian order. What was read from a file
 * may look its bytes up there on demand: the file must stay as it is until they are read.
 */
public interface TensorData {
    /** The type of its elements. */
    ElementType type();

    /** Its dimensions, outermost first; empty for a scalar. A new array. */
    long[] shape();

    /**
     * Copies its bytes {@code offset..offset + into.remaining() - 1} to {@code into}, whose position is then its limit.
     *
     * @throws CheckpointException if the file has become shorter than it was
     * @throws IndexOutOfBoundsException if the tensor has fewer bytes
     */
    void read(long offset, ByteBuffer into) throws IOException;

    /** How many bytes it has. */
    default long byteSize() {
        return type().elements(shape()) * type().bytes();
    }
}
