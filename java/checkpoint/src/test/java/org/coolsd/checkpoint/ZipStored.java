package org.coolsd.checkpoint;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.zip.CRC32;

/** A torch archive with one sparse storage, written by hand: a hole on the disk in place of gigabytes. */
final class ZipStored {
    private ZipStored() {}

    /**
     * Writes entries a/data.pkl and a/data/0, the latter of {@code bytes} zeros but for {@code end}, with sizes in zip64's
     * fields. Its checksum is 0: readers that skip within an entry cannot look at it.
     */
    static void write(Path file, byte[] pickle, long bytes, byte[] end) throws IOException {
        CRC32 sum = new CRC32();
        sum.update(pickle);
        try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
            byte[] first = local("a/data.pkl", pickle.length, (int) sum.getValue());
            out.write(first);
            out.write(pickle);
            long second = out.getFilePointer();
            out.write(local("a/data/0", bytes, 0));
            long start = out.getFilePointer();
            out.seek(start + bytes - end.length);
            out.write(end);
            long directory = out.getFilePointer();
            out.write(central("a/data.pkl", pickle.length, (int) sum.getValue(), 0));
            out.write(central("a/data/0", bytes, 0, second));
            long size = out.getFilePointer() - directory;
            out.write(ending(directory, size, out.getFilePointer()));
        }
    }

    private static byte[] local(String name, long size, int crc) {
        ByteBuffer b = buffer(30 + name.length() + 20);
        b.putInt(0x04034b50)
                .putShort((short) 45)
                .putShort((short) 0)
                .putShort((short) 0)
                .putInt(0);
        b.putInt(crc).putInt(-1).putInt(-1).putShort((short) name.length()).putShort((short) 20);
        b.put(name.getBytes(StandardCharsets.US_ASCII));
        b.putShort((short) 1).putShort((short) 16).putLong(size).putLong(size);
        return b.array();
    }

    private static byte[] central(String name, long size, int crc, long at) {
        ByteBuffer b = buffer(46 + name.length() + 28);
        b.putInt(0x02014b50)
                .putShort((short) 45)
                .putShort((short) 45)
                .putShort((short) 0)
                .putShort((short) 0);
        b.putInt(0)
                .putInt(crc)
                .putInt(-1)
                .putInt(-1)
                .putShort((short) name.length())
                .putShort((short) 28);
        b.putShort((short) 0).putShort((short) 0).putShort((short) 0).putInt(0).putInt(-1);
        b.put(name.getBytes(StandardCharsets.US_ASCII));
        b.putShort((short) 1).putShort((short) 24).putLong(size).putLong(size).putLong(at);
        return b.array();
    }

    private static byte[] ending(long directory, long size, long here) throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        ByteBuffer b = buffer(56 + 20 + 22);
        b.putInt(0x06064b50)
                .putLong(44)
                .putShort((short) 45)
                .putShort((short) 45)
                .putInt(0)
                .putInt(0);
        b.putLong(2).putLong(2).putLong(size).putLong(directory);
        b.putInt(0x07064b50).putInt(0).putLong(here).putInt(1);
        b.putInt(0x06054b50)
                .putShort((short) 0)
                .putShort((short) 0)
                .putShort((short) 2)
                .putShort((short) 2);
        b.putInt(-1).putInt(-1).putShort((short) 0);
        all.write(b.array());
        return all.toByteArray();
    }

    private static ByteBuffer buffer(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
}
