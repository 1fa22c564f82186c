package org.coolsd.checkpoint;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * Writes torch archives as torch does, pickle opcode by pickle opcode at protocol 2. Values are strings, numbers, maps,
 * {@link Tensor}s, {@link Instance}s and {@link Call}s.
 */
final class TorchFile {
    /** A view of a storage of floats. */
    record Tensor(String storage, long numel, long offset, long[] shape, long[] strides) {
        static Tensor of(String storage, long... shape) {
            long[] strides = new long[shape.length];
            long n = 1;
            for (int i = shape.length - 1; i >= 0; i--) {
                strides[i] = n;
                n *= shape[i];
            }
            return new Tensor(storage, n, 0, shape, strides);
        }
    }

    /** An object with attributes: class() and then its state. */
    record Instance(String module, String name, Map<String, Object> state) {}

    /** module.name(argument). */
    record Call(String module, String name, Object argument) {}

    private final ByteArrayOutputStream pickle = new ByteArrayOutputStream();

    /** Writes an archive; a storage of null bytes is not there. */
    static void write(Path file, Object root, Map<String, float[]> storages) throws IOException {
        Map<String, ByteBuffer> bytes = new LinkedHashMap<>();
        storages.forEach((key, values) -> {
            ByteBuffer data = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
            data.asFloatBuffer().put(values);
            bytes.put(key, data);
        });
        try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file))) {
            stored(zip, "archive/data.pkl", pickled(root));
            for (Map.Entry<String, ByteBuffer> e : bytes.entrySet()) {
                stored(zip, "archive/data/" + e.getKey(), e.getValue().array());
            }
        }
    }

    static byte[] pickled(Object root) {
        TorchFile writer = new TorchFile();
        writer.pickle.write(0x80);
        writer.pickle.write(2);
        writer.put(root);
        writer.pickle.write('.');
        return writer.pickle.toByteArray();
    }

    static void stored(ZipOutputStream zip, String name, byte[] bytes) throws IOException {
        ZipEntry entry = new ZipEntry(name);
        entry.setMethod(ZipEntry.STORED);
        entry.setSize(bytes.length);
        CRC32 sum = new CRC32();
        sum.update(bytes);
        entry.setCrc(sum.getValue());
        zip.putNextEntry(entry);
        zip.write(bytes);
        zip.closeEntry();
    }

    /** An entry of zeros, as many as {@code bytes}, which nobody holds. */
    static void zeros(ZipOutputStream zip, String name, long bytes) throws IOException {
        byte[] chunk = new byte[1 << 20];
        CRC32 sum = new CRC32();
        for (long done = 0; done < bytes; done += chunk.length) {
            sum.update(chunk, 0, (int) Math.min(chunk.length, bytes - done));
        }
        ZipEntry entry = new ZipEntry(name);
        entry.setMethod(ZipEntry.STORED);
        entry.setSize(bytes);
        entry.setCrc(sum.getValue());
        zip.putNextEntry(entry);
        write(zip, chunk, bytes);
        zip.closeEntry();
    }

    private static void write(OutputStream out, byte[] chunk, long bytes) throws IOException {
        for (long done = 0; done < bytes; done += chunk.length) {
            out.write(chunk, 0, (int) Math.min(chunk.length, bytes - done));
        }
    }

    private void put(Object value) {
        if (value instanceof String s) {
            string(s);
        } else if (value instanceof Integer n) {
            number(n);
        } else if (value instanceof Long n) {
            number(n);
        } else if (value instanceof Map<?, ?> map) {
            pickle.write('}');
            pickle.write('(');
            map.forEach((key, item) -> {
                put(key);
                put(item);
            });
            pickle.write('u');
        } else if (value instanceof Tensor t) {
            tensor(t);
        } else if (value instanceof Instance i) {
            global(i.module, i.name);
            pickle.write(')');
            pickle.write(0x81);
            put(i.state);
            pickle.write('b');
        } else if (value instanceof Call c) {
            global(c.module, c.name);
            put(c.argument);
            pickle.write(0x85);
            pickle.write('R');
        } else {
            throw new IllegalArgumentException("no way to write " + value);
        }
    }

    private void tensor(Tensor t) {
        global("torch._utils", "_rebuild_tensor_v2");
        pickle.write('(');
        pickle.write('(');
        string("storage");
        global("torch", "FloatStorage");
        string(t.storage);
        string("cpu");
        number(t.numel);
        pickle.write('t');
        pickle.write('Q');
        number(t.offset);
        longs(t.shape);
        longs(t.strides);
        pickle.write(0x89);
        global("collections", "OrderedDict");
        pickle.write(')');
        pickle.write('R');
        pickle.write('t');
        pickle.write('R');
    }

    private void longs(long[] values) {
        pickle.write('(');
        for (long v : values) {
            number(v);
        }
        pickle.write('t');
    }

    private void number(long n) {
        pickle.write(0x8a);
        pickle.write(8);
        for (int i = 0; i < 8; i++) {
            pickle.write((int) (n >> (8 * i)));
        }
    }

    private void string(String s) {
        byte[] bytes = s.getBytes(StandardCharsets.UTF_8);
        pickle.write('X');
        for (int i = 0; i < 4; i++) {
            pickle.write(bytes.length >> (8 * i));
        }
        pickle.writeBytes(bytes);
    }

    private void global(String module, String name) {
        pickle.write('c');
        pickle.writeBytes((module + "\n" + name + "\n").getBytes(StandardCharsets.UTF_8));
    }
}
