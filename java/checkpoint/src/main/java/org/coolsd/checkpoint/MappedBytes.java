package org.coolsd.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;

/** A range of a file of any length that is read here and there: mapped into memory in windows of 1 GiB, outside the heap. */
final class MappedBytes {
    private static final int WINDOW_BITS = 30;
    private static final long WINDOW = 1L << WINDOW_BITS;

    private final Path file;
    private final long start;
    private final long size;
    private final MappedByteBuffer[] windows;

    /** The {@code size} bytes from {@code start} on. Nothing is mapped until it is read. */
    MappedBytes(Path file, long start, long size) {
        this.file = file;
        this.start = start;
        this.size = size;
        windows = new MappedByteBuffer[(int) ((size + WINDOW - 1) >>> WINDOW_BITS)];
    }

    /** Copies {@code n} bytes from byte {@code offset} of the range on. */
    void copy(long offset, int n, ByteBuffer into) throws IOException {
        int left = n;
        for (long at = offset; left > 0; ) {
            MappedByteBuffer window = window((int) (at >>> WINDOW_BITS));
            int from = (int) (at & (WINDOW - 1));
            int count = Math.min(left, window.capacity() - from);
            into.put(into.position(), window, from, count).position(into.position() + count);
            at += count;
            left -= count;
        }
    }

    private synchronized MappedByteBuffer window(int i) throws IOException {
        if (windows[i] == null) {
            long first = i * WINDOW;
            long bytes = Math.min(WINDOW, size - first);
            try (FileChannel channel = FileChannel.open(file)) {
                if (channel.size() < start + first + bytes) {
                    throw new CheckpointException(file, "cut short at byte " + channel.size());
                }
                windows[i] = channel.map(FileChannel.MapMode.READ_ONLY, start + first, bytes);
            }
        }
        return windows[i];
    }
}
