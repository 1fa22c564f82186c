package org.coolsd.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.Objects;

/** A tensor whose bytes stand row by row in {@code file} from byte {@code start} on; they are read when asked for. */
record FileTensor(Path file, ElementType type, long[] shape, long start) implements TensorData {
    @Override
    public long[] shape() {
        return shape.clone();
    }

    @Override
    public void read(long offset, ByteBuffer into) throws IOException {
        Objects.checkFromIndexSize(offset, into.remaining(), byteSize());
        try (FileChannel channel = FileChannel.open(file)) {
            fill(file, channel, start + offset, into);
        }
    }

    /**
     * Fills {@code buffer} from byte {@code position} of a file.
     *
     * @throws CheckpointException if the file ends before
     */
    static void fill(Path file, FileChannel channel, long position, ByteBuffer buffer) throws IOException {
        long at = position;
        while (buffer.hasRemaining()) {
            int n = channel.read(buffer, at);
            if (n < 0) {
                throw new CheckpointException(file, "cut short at byte " + at);
            }
            at += n;
        }
    }
}
