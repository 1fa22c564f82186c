package org.coolsd.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/**
 * The safetensors format: an 8-byte little-endian header length, a JSON header with type, shape and byte range of every
 * tensor, then the bytes.
 */
public final class Safetensors {
    private static final long LONGEST_HEADER = 100_000_000;
    /** Bytes that are written at once. */
    private static final int CHUNK = 1 << 20;

    private final Map<String, TensorData> tensors;
    private final Map<String, String> metadata;

    private Safetensors(Map<String, TensorData> tensors, Map<String, String> metadata) {
        this.tensors = tensors;
        this.metadata = metadata;
    }

    /** The tensors by name in file order. */
    public Map<String, TensorData> tensors() {
        return tensors;
    }

    /** The strings under {@code __metadata__}. */
    public Map<String, String> metadata() {
        return metadata;
    }

    /**
     * Reads the header of a file; the bytes of a tensor are read when they are asked for.
     *
     * @throws CheckpointException if the file is not safetensors, is cut short, or contradicts itself
     */
    public static Safetensors read(Path file) throws IOException {
        return read(file, name -> true);
    }

    /**
     * As {@link #read(Path)}, with the wanted tensors alone: of others dtype and shape are not judged, only that their bytes
     * leave room for the wanted ones.
     */
    static Safetensors read(Path file, Predicate<String> wanted) throws IOException {
        try (FileChannel channel = FileChannel.open(file)) {
            long size = channel.size();
            if (size < 8) {
                throw new CheckpointException(file, "not a safetensors file: " + size + " bytes");
            }
            long length = exactly(file, channel, 0, 8).getLong();
            if (length < 2 || length > size - 8 || length > LONGEST_HEADER) {
                throw new CheckpointException(
                        file, "not a safetensors file, or cut short: header of " + length + " bytes in " + size);
            }
            if (exactly(file, channel, 8, 1).get() != '{') {
                throw new CheckpointException(file, "not a safetensors file: its header does not begin with '{'");
            }
            JsonNode root = parse(file, channel, length);
            Map<String, TensorData> tensors = new LinkedHashMap<>();
            Map<String, String> metadata = new LinkedHashMap<>();
            List<Range> ranges = new ArrayList<>();
            for (Map.Entry<String, JsonNode> entry : root.properties()) {
                String name = entry.getKey();
                if (name.equals("__metadata__")) {
                    metadata(file, entry.getValue(), metadata);
                } else {
                    Range range = range(file, size - 8 - length, name, entry.getValue());
                    ranges.add(range);
                    if (wanted.test(name)) {
                        tensors.put(name, tensor(file, 8 + length + range.begin(), range, entry.getValue()));
                    }
                }
            }
            complete(file, ranges, size - 8 - length);
            return new Safetensors(tensors, metadata);
        }
    }

    /** The header, read as it is parsed: a lie about its length costs no memory. */
    private static JsonNode parse(Path file, FileChannel channel, long length) throws IOException {
        JsonNode root;
        try (InputStream in = new Header(file, channel, length)) {
            root = Json.read(file, "its header of " + length + " bytes", in);
        }
        if (root == null || !root.isObject()) {
            throw new CheckpointException(file, "the header is not a JSON object");
        }
        return root;
    }

    /** The bytes of the header, which begin at byte 8. */
    private static final class Header extends InputStream {
        private final Path file;
        private final FileChannel channel;
        private final long end;
        private long at = 8;

        Header(Path file, FileChannel channel, long length) {
            this.file = file;
            this.channel = channel;
            end = 8 + length;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] into, int offset, int length) throws IOException {
            if (length == 0 || at == end) {
                return length == 0 ? 0 : -1;
            }
            int n = (int) Math.min(length, end - at);
            FileTensor.fill(file, channel, at, ByteBuffer.wrap(into, offset, n));
            at += n;
            return n;
        }
    }

    private static void metadata(Path file, JsonNode from, Map<String, String> into) throws CheckpointException {
        if (!from.isObject()) {
            throw new CheckpointException(file, "__metadata__ is not an object");
        }
        for (Map.Entry<String, JsonNode> e : from.properties()) {
            if (!e.getValue().isTextual()) {
                throw new CheckpointException(file, "__metadata__ '" + e.getKey() + "' is not a string");
            }
            into.put(e.getKey(), e.getValue().textValue());
        }
    }

    /** Which bytes behind the header are a tensor's. */
    private record Range(String tensor, long begin, long end) {}

    private static Range range(Path file, long size, String name, JsonNode entry) throws CheckpointException {
        JsonNode offsets = entry.path("data_offsets");
        long begin = number(offsets.path(0));
        long end = number(offsets.path(1));
        if (offsets.size() != 2 || begin < 0 || end < begin) {
            throw new CheckpointException(
                    file, "tensor '" + name + "': data_offsets " + offsets + " are not two offsets; download it again");
        }
        if (end > size) {
            throw new CheckpointException(
                    file,
                    "cut short: tensor '" + name + "' ends at byte " + end + " behind the header, the file at " + size
                            + "; download it again");
        }
        return new Range(name, begin, end);
    }

    private static TensorData tensor(Path file, long start, Range range, JsonNode entry) throws CheckpointException {
        String name = range.tensor();
        ElementType type = null;
        for (ElementType t : ElementType.values()) {
            if (t.safetensors.equals(entry.path("dtype").textValue())) {
                type = t;
            }
        }
        if (type == null) {
            throw new CheckpointException(
                    file, "tensor '" + name + "' has dtype " + entry.path("dtype") + ", which is not read");
        }
        JsonNode dims = entry.path("shape");
        long[] shape = new long[dims.size()];
        for (int i = 0; i < shape.length; i++) {
            shape[i] = number(dims.path(i));
        }
        long elements = type.elements(shape);
        if (!dims.isArray() || elements < 0 || range.end() - range.begin() != elements * type.bytes()) {
            throw new CheckpointException(
                    file,
                    "tensor '" + name + "': dtype " + type.safetensors + ", shape " + dims + " and data_offsets "
                            + entry.path("data_offsets") + " disagree; download it again");
        }
        return new FileTensor(file, type, shape, start);
    }

    /** A number from 0 on, or -1 for anything else. */
    private static long number(JsonNode node) {
        return node.isIntegralNumber() && node.canConvertToLong() ? Math.max(-1, node.longValue()) : -1;
    }

    /** As the format demands, every byte behind the header is of one tensor. */
    private static void complete(Path file, List<Range> ranges, long size) throws CheckpointException {
        ranges.sort(Comparator.comparingLong(Range::begin).thenComparingLong(Range::end));
        long at = 0;
        String before = null;
        for (Range range : ranges) {
            if (range.begin() < at) {
                throw new CheckpointException(
                        file, "tensors '" + before + "' and '" + range.tensor() + "' overlap; download it again");
            }
            if (range.begin() > at) {
                throw new CheckpointException(
                        file,
                        "bytes " + at + " to " + range.begin() + " behind the header, before '" + range.tensor()
                                + "', are no tensor's; download it again");
            }
            at = range.end();
            before = range.tensor();
        }
        if (at < size) {
            throw new CheckpointException(
                    file, "the last " + (size - at) + " bytes are no tensor's; download it again");
        }
    }

    private static ByteBuffer exactly(Path file, FileChannel channel, long position, int n) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(n).order(ByteOrder.LITTLE_ENDIAN);
        FileTensor.fill(file, channel, position, buffer);
        return buffer.flip();
    }

    /**
     * Writes {@code tensors} in the map's order. The file appears whole or not at all: see {@link AtomicFile}.
     */
    public static void write(Path file, Map<String, TensorData> tensors, Map<String, String> metadata)
            throws IOException {
        ObjectNode header = Json.MAPPER.createObjectNode();
        if (!metadata.isEmpty()) {
            ObjectNode strings = header.putObject("__metadata__");
            metadata.forEach(strings::put);
        }
        long offset = 0;
        for (Map.Entry<String, TensorData> e : tensors.entrySet()) {
            TensorData t = e.getValue();
            ObjectNode entry = header.putObject(e.getKey());
            entry.put("dtype", t.type().safetensors);
            var shape = entry.putArray("shape");
            for (long d : t.shape()) {
                shape.add(d);
            }
            long bytes = t.byteSize();
            entry.putArray("data_offsets").add(offset).add(offset + bytes);
            offset += bytes;
        }
        byte[] json = Json.MAPPER.writeValueAsString(header).getBytes(StandardCharsets.UTF_8);
        int padded = (json.length + 7) / 8 * 8;
        ByteBuffer head = ByteBuffer.allocate(8 + padded).order(ByteOrder.LITTLE_ENDIAN);
        head.putLong(padded).put(json);
        while (head.hasRemaining()) {
            head.put((byte) ' ');
        }
        AtomicFile.write(file, out -> {
            out.write(head.array());
            byte[] chunk = new byte[CHUNK];
            for (TensorData t : tensors.values()) {
                long bytes = t.byteSize();
                for (long done = 0; done < bytes; done += CHUNK) {
                    int n = (int) Math.min(CHUNK, bytes - done);
                    t.read(done, ByteBuffer.wrap(chunk, 0, n));
                    out.write(chunk, 0, n);
                }
            }
        });
    }
}
