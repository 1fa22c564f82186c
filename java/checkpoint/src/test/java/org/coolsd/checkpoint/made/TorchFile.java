package org.coolsd.checkpoint.made;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Writes what torch.save writes: a zip64 of stored entries, with a pickle of protocol 2. Storages may be sparse. */
public final class TorchFile {
    /** A tensor of FloatStorage {@code key} of {@code count} elements. */
    public record Tensor(String key, long count, long offset, List<Long> shape, List<Long> strides) {}

    /** A name. */
    public record Global(String module, String name) {}

    /** A call of {@code function}, whose result is given {@code state} if that is not null. */
    public record Call(Global function, List<?> arguments, Object state) {}

    private final Map<String, byte[]> heads = new LinkedHashMap<>();
    private final Map<String, Long> sizes = new LinkedHashMap<>();
    private final Map<String, byte[]> tails = new LinkedHashMap<>();

    /** A file without entries. */
    public TorchFile() {}

    /** A contiguous tensor that fills its storage. */
    public static Tensor tensor(String key, long... shape) {
        List<Long> dims = new ArrayList<>();
        List<Long> strides = new ArrayList<>();
        long count = 1;
        for (int i = shape.length - 1; i >= 0; i--) {
            dims.add(0, shape[i]);
            strides.add(0, count);
            count *= shape[i];
        }
        return new Tensor(key, count, 0, dims, strides);
    }

    public static byte[] floats(float... values) {
        ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        for (float v : values) {
            bytes.putFloat(v);
        }
        return bytes.array();
    }

    public TorchFile entry(String name, byte[] bytes) {
        return sparse(name, bytes.length, bytes, new byte[0]);
    }

    public TorchFile storage(String key, float... values) {
        return entry("data/" + key, floats(values));
    }

    /** An entry of {@code size} bytes that begins with {@code head} and ends with {@code tail}; a hole between them. */
    public TorchFile sparse(String name, long size, byte[] head, byte[] tail) {
        heads.put(name, head);
        sizes.put(name, size);
        tails.put(name, tail);
        return this;
    }

    public TorchFile pickle(Object value) throws IOException {
        return entry("data.pkl", pickled(value));
    }

    public Path write(Path file) throws IOException {
        ByteArrayOutputStream directory = new ByteArrayOutputStream();
        try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
            out.setLength(0);
            for (String key : sizes.keySet()) {
                byte[] name = ("x/" + key).getBytes(StandardCharsets.UTF_8);
                long size = sizes.get(key);
                long at = out.getFilePointer();
                out.write(little(30, b -> b.putInt(0x04034b50)
                        .putShort((short) 45)
                        .putInt(0)
                        .putInt(0)
                        .putInt(0)
                        .putInt(-1)
                        .putInt(-1)
                        .putShort((short) name.length)
                        .putShort((short) 20)));
                out.write(name);
                out.write(little(20, b -> b.putShort((short) 1)
                        .putShort((short) 16)
                        .putLong(size)
                        .putLong(size)));
                long start = out.getFilePointer();
                out.write(heads.get(key));
                byte[] tail = tails.get(key);
                out.setLength(Math.max(out.length(), start + size));
                out.seek(start + size - tail.length);
                out.write(tail);
                directory.write(little(46, b -> b.putInt(0x02014b50)
                        .putShort((short) 45)
                        .putShort((short) 45)
                        .putInt(0)
                        .putInt(0)
                        .putInt(0)
                        .putInt(-1)
                        .putInt(-1)
                        .putShort((short) name.length)
                        .putShort((short) 28)
                        .putShort((short) 0)
                        .putInt(0)
                        .putInt(0)
                        .putInt(-1)));
                directory.write(name);
                directory.write(little(28, b -> b.putShort((short) 1)
                        .putShort((short) 24)
                        .putLong(size)
                        .putLong(size)
                        .putLong(at)));
            }
            long start = out.getFilePointer();
            out.write(directory.toByteArray());
            long end = out.getFilePointer();
            out.write(little(56, b -> b.putInt(0x06064b50)
                    .putLong(44)
                    .putInt(0x2d002d)
                    .putInt(0)
                    .putInt(0)
                    .putLong(sizes.size())
                    .putLong(sizes.size())
                    .putLong(end - start)
                    .putLong(start)));
            out.write(
                    little(20, b -> b.putInt(0x07064b50).putInt(0).putLong(end).putInt(1)));
            out.write(little(22, b -> b.putInt(0x06054b50)
                    .putInt(0)
                    .putShort((short) -1)
                    .putShort((short) -1)
                    .putInt(-1)
                    .putInt(-1)));
        }
        return file;
    }

    private static byte[] little(int n, java.util.function.UnaryOperator<ByteBuffer> fill) {
        ByteBuffer bytes = ByteBuffer.allocate(n).order(ByteOrder.LITTLE_ENDIAN);
        fill.apply(bytes);
        return bytes.array();
    }

    public static byte[] pickled(Object value) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(0x80);
        out.write(2);
        pickle(value, out);
        out.write('.');
        return out.toByteArray();
    }

    private static void pickle(Object value, ByteArrayOutputStream out) throws IOException {
        if (value == null) {
            out.write('N');
        } else if (value instanceof Boolean b) {
            out.write(b ? 0x88 : 0x89);
        } else if (value instanceof Integer i) {
            out.write('J');
            out.write(little(4, b -> b.putInt(i)));
        } else if (value instanceof Long l) {
            out.write(0x8a);
            out.write(8);
            out.write(little(8, b -> b.putLong(l)));
        } else if (value instanceof Double d) {
            out.write('G');
            out.write(ByteBuffer.allocate(8).putDouble(d).array());
        } else if (value instanceof String s) {
            byte[] text = s.getBytes(StandardCharsets.UTF_8);
            out.write('X');
            out.write(little(4, b -> b.putInt(text.length)));
            out.write(text);
        } else if (value instanceof Map<?, ?> map) {
            out.write('}');
            out.write('(');
            for (Map.Entry<?, ?> e : map.entrySet()) {
                pickle(e.getKey(), out);
                pickle(e.getValue(), out);
            }
            out.write('u');
        } else if (value instanceof List<?> tuple) {
            out.write('(');
            for (Object item : tuple) {
                pickle(item, out);
            }
            out.write('t');
        } else if (value instanceof Global g) {
            out.write(("c" + g.module() + "\n" + g.name() + "\n").getBytes(StandardCharsets.UTF_8));
        } else if (value instanceof Call call) {
            pickle(call.function(), out);
            pickle(call.arguments(), out);
            out.write('R');
            if (call.state() != null) {
                pickle(call.state(), out);
                out.write('b');
            }
        } else if (value instanceof Tensor t) {
            pickle(new Global("torch._utils", "_rebuild_tensor_v2"), out);
            out.write('(');
            pickle(List.of("storage", new Global("torch", "FloatStorage"), t.key(), "cpu", t.count()), out);
            out.write('Q');
            pickle(t.offset(), out);
            pickle(t.shape(), out);
            pickle(t.strides(), out);
            pickle(false, out);
            pickle(new Call(new Global("collections", "OrderedDict"), List.of(), null), out);
            out.write('t');
            out.write('R');
        } else {
            throw new IllegalArgumentException(value.getClass().toString());
        }
    }
}
