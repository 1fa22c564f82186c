package org.coolsd.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Where the entries of a zip stand in its file. {@link java.util.zip.ZipFile} reads entries from their beginning only; a
 * tensor is looked up in the middle of one that may have more than 2 GiB. Sizes and offsets may be those of zip64.
 */
final class ZipDirectory {
    private static final int END = 0x06054b50;
    private static final int END_64 = 0x06064b50;
    private static final int LOCATOR_64 = 0x07064b50;
    private static final int CENTRAL = 0x02014b50;
    private static final int LOCAL = 0x04034b50;
    private static final int END_BYTES = 22;
    private static final int LONGEST_COMMENT = 0xffff;
    private static final long NONE_32 = 0xffffffffL;
    private static final long LONGEST_DIRECTORY = 1 << 26;
    private static final int MOST_IN_HEAP = 1 << 20;

    /** An entry: its size, whether it is stored as it is, and where its local header begins. */
    record Entry(String name, long size, boolean stored, long header) {}

    private final Path file;
    private final FileChannel channel;
    private final Map<String, Entry> entries = new LinkedHashMap<>();
    private long directory;

    /**
     * Reads the directory of {@code file}, which {@code channel} has open; the channel is the caller's.
     *
     * @throws CheckpointException if it is damaged or has a name twice
     */
    ZipDirectory(Path file, FileChannel channel) throws IOException {
        this.file = file;
        this.channel = channel;
        long size = channel.size();
        int tail = (int) Math.min(size, END_BYTES + LONGEST_COMMENT);
        ByteBuffer last = bytes(size - tail, tail);
        int at = tail - END_BYTES;
        while (at >= 0 && (last.getInt(at) != END || at + END_BYTES + unsigned(last, at + 20) != tail)) {
            at--;
        }
        if (at < 0) {
            throw new CheckpointException(file, "cut short: a zip without its directory; download it again");
        }
        long end = size - tail + at;
        long count = unsigned(last, at + 10);
        long length = last.getInt(at + 12) & NONE_32;
        directory = last.getInt(at + 16) & NONE_32;
        if (end >= 20) {
            ByteBuffer locator = bytes(end - 20, 20);
            if (locator.getInt(0) == LOCATOR_64) {
                long at64 = locator.getLong(8);
                if (at64 < 0 || at64 > end - 76) {
                    throw damaged("its zip64 record is not at byte " + at64);
                }
                ByteBuffer end64 = bytes(at64, 56);
                if (end64.getInt(0) != END_64) {
                    throw damaged("its zip64 record is not at byte " + at64);
                }
                count = end64.getLong(32);
                length = end64.getLong(40);
                directory = end64.getLong(48);
                end = at64;
            }
        }
        if (directory < 0 || length < 0 || length > end - directory || length > LONGEST_DIRECTORY) {
            throw damaged("a directory of " + length + " bytes at byte " + directory + " of " + size);
        }
        read(bytes(directory, (int) length), count);
    }

    private void read(ByteBuffer in, long count) throws CheckpointException {
        for (long i = 0; i < count; i++) {
            int at = in.position();
            if (in.remaining() < 46 || in.getInt(at) != CENTRAL) {
                throw damaged("its directory ends after " + i + " of " + count + " entries");
            }
            int flags = unsigned(in, at + 8);
            int method = unsigned(in, at + 10);
            long packed = in.getInt(at + 20) & NONE_32;
            long size = in.getInt(at + 24) & NONE_32;
            long header = in.getInt(at + 42) & NONE_32;
            int nameLength = unsigned(in, at + 28);
            int extraLength = unsigned(in, at + 30);
            int length = 46 + nameLength + extraLength + unsigned(in, at + 32);
            if (length > in.remaining()) {
                throw damaged("its directory ends after " + i + " of " + count + " entries");
            }
            byte[] name = new byte[nameLength];
            in.get(at + 46, name);
            // Extra field 1 of zip64 has those of size, packed size and offset that do not fit 32 bits, in this order.
            ByteBuffer extra = in.slice(at + 46 + nameLength, extraLength).order(ByteOrder.LITTLE_ENDIAN);
            while (extra.remaining() >= 4) {
                int id = extra.getShort() & 0xffff;
                int end = extra.position() + 2 + unsigned(extra, extra.position());
                extra.getShort();
                if (end > extra.limit()) {
                    break;
                }
                if (id == 1) {
                    size = size == NONE_32 && end - extra.position() >= 8 ? extra.getLong() : size;
                    packed = packed == NONE_32 && end - extra.position() >= 8 ? extra.getLong() : packed;
                    header = header == NONE_32 && end - extra.position() >= 8 ? extra.getLong() : header;
                }
                extra.position(end);
            }
            boolean stored = method == 0 && (flags & 1) == 0;
            String text = new String(name, StandardCharsets.UTF_8);
            if (size < 0 || header < 0 || (stored && packed != size)) {
                throw damaged("entry '" + text + "' has contradictory sizes");
            }
            if (entries.put(text, new Entry(text, size, stored, header)) != null) {
                throw damaged("entry '" + text + "' is there twice");
            }
            in.position(at + length);
        }
    }

    /** The entries by name, in the directory's order. */
    Map<String, Entry> entries() {
        return Collections.unmodifiableMap(entries);
    }

    /**
     * The byte of the file at which the contents of {@code entry} begin.
     *
     * @throws CheckpointException if they are compressed, or reach out of the file
     */
    long start(Entry entry) throws IOException {
        if (!entry.stored()) {
            throw new CheckpointException(
                    file,
                    "entry '" + entry.name() + "' is compressed or encrypted, as torch.save never writes it; unpack the"
                            + " zip and pack it again with 'zip -0 -r'");
        }
        if (entry.header() > directory - 30) {
            throw damaged("entry '" + entry.name() + "' begins at byte " + entry.header());
        }
        ByteBuffer local = bytes(entry.header(), 30);
        long start = entry.header() + 30 + unsigned(local, 26) + unsigned(local, 28);
        if (local.getInt(0) != LOCAL || start > directory || entry.size() > directory - start) {
            throw damaged(
                    "entry '" + entry.name() + "' of " + entry.size() + " bytes is not at byte " + entry.header());
        }
        return start;
    }

    /** The contents of a small entry. */
    ByteBuffer contents(Entry entry, int most) throws IOException {
        if (entry.size() > most) {
            throw new CheckpointException(
                    file,
                    "entry '" + entry.name() + "' has " + entry.size() + " bytes, more than the " + most
                            + " that are read; save model.state_dict() alone");
        }
        return bytes(start(entry), (int) entry.size());
    }

    /** Bytes of the file: many of them outside the heap, since the file may hold less than its size promises. */
    private ByteBuffer bytes(long position, int n) throws IOException {
        if (n > MOST_IN_HEAP) {
            return channel.map(FileChannel.MapMode.READ_ONLY, position, n).order(ByteOrder.LITTLE_ENDIAN);
        }
        ByteBuffer buffer = ByteBuffer.allocate(n).order(ByteOrder.LITTLE_ENDIAN);
        FileTensor.fill(file, channel, position, buffer);
        return buffer.flip();
    }

    private static int unsigned(ByteBuffer from, int at) {
        return from.getShort(at) & 0xffff;
    }

    private CheckpointException damaged(String how) {
        return new CheckpointException(file, "damaged zip: " + how + "; download it again");
    }
}
