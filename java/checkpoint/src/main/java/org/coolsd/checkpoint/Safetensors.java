package org.coolsd.checkpoint;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * The safetensors format: an 8-byte little-endian header length, a JSON header with type, shape and byte range of every
 * tensor, then the bytes.
 */
public final class Safetensors {
    private static final ObjectMapper JSON = new ObjectMapper().enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION);
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
            byte[] header = new byte[(int) length];
            exactly(file, channel, 8, (int) length).get(header);
            JsonNode root = parse(file, header);
            Map<String, TensorData> tensors = new LinkedHashMap<>();
            Map<String, String> metadata = new LinkedHashMap<>();
            for (Iterator<Map.Entry<String, JsonNode>> i = root.fields(); i.hasNext(); ) {
                Map.Entry<String, JsonNode> entry = i.next();
                if (entry.getKey().equals("__metadata__")) {
                    entry.getValue()
                            .fields()
                            .forEachRemaining(
                                    f -> metadata.put(f.getKey(), f.getValue().asText()));
                } else {
                    tensors.put(entry.getKey(), tensor(file, channel, 8 + length, entry.getKey(), entry.getValue()));
                }
            }
            requireWhole(file, tensors, 8 + length, size);
            return new Safetensors(tensors, metadata);
        }
    }

    /** The bytes behind the header are those of the tensors, each of one only, as the format asks. */
    private static void requireWhole(Path file, Map<String, TensorData> tensors, long start, long size)
            throws CheckpointException {
        List<Map.Entry<String, TensorData>> inOrder = new ArrayList<>(tensors.entrySet());
        inOrder.sort(Comparator.comparingLong((Map.Entry<String, TensorData> e) -> ((InFile) e.getValue()).start())
                .thenComparingLong(e -> e.getValue().byteSize()));
        long at = start;
        for (Map.Entry<String, TensorData> e : inOrder) {
            long begin = ((InFile) e.getValue()).start();
            if (begin != at) {
                throw new CheckpointException(
                        file,
                        "tensor '" + e.getKey() + "' begins at byte " + begin + ", the one before it ends at " + at
                                + "; the file is damaged");
            }
            at += e.getValue().byteSize();
        }
        if (at != size) {
            throw new CheckpointException(
                    file, "the last tensor ends at byte " + at + ", the file at " + size + "; the file is damaged");
        }
    }

    private static JsonNode parse(Path file, byte[] header) throws IOException {
        JsonNode root;
        try {
            root = JSON.readTree(header);
        } catch (JsonProcessingException e) {
            throw new CheckpointException(file, "the header is not JSON: " + e.getOriginalMessage(), e);
        }
        if (root == null || !root.isObject()) {
            throw new CheckpointException(file, "the header is not a JSON object");
        }
        return root;
    }

    private static TensorData tensor(Path file, FileChannel channel, long base, String name, JsonNode entry)
            throws IOException {
        ElementType type = null;
        for (ElementType t : ElementType.values()) {
            if (t.safetensors.equals(entry.path("dtype").asText())) {
                type = t;
            }
        }
        if (type == null) {
            throw new CheckpointException(file, "tensor '" + name + "' has dtype " + entry.path("dtype"));
        }
        JsonNode dims = entry.path("shape");
        long[] shape = new long[dims.size()];
        for (int i = 0; i < shape.length; i++) {
            shape[i] = whole(dims.get(i));
        }
        long begin = whole(entry.path("data_offsets").path(0));
        long end = whole(entry.path("data_offsets").path(1));
        long elements = type.elements(shape);
        if (!dims.isArray()
                || entry.path("data_offsets").size() != 2
                || elements < 0
                || begin < 0
                || end - begin != elements * type.bytes()) {
            throw new CheckpointException(
                    file, "tensor '" + name + "': shape " + dims + " and bytes " + begin + ".." + end + " disagree");
        }
        if (end > channel.size() - base) {
            throw new CheckpointException(
                    file,
                    "cut short: tensor '" + name + "' ends at byte " + (base + end) + ", the file at "
                            + channel.size());
        }
        return new InFile(file, type, shape, base + begin);
    }

    /** A number that is written as a whole one and fits; -1 for anything else. */
    private static long whole(JsonNode node) {
        return node.isIntegralNumber() && node.canConvertToLong() ? node.asLong() : -1;
    }

    /** A tensor whose bytes begin at byte {@code start} of {@code file}. */
    private record InFile(Path file, ElementType type, long[] shape, long start) implements TensorData {
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
    }

    private static ByteBuffer exactly(Path file, FileChannel channel, long position, int n) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(n).order(ByteOrder.LITTLE_ENDIAN);
        fill(file, channel, position, buffer);
        return buffer.flip();
    }

    private static void fill(Path file, FileChannel channel, long position, ByteBuffer buffer) throws IOException {
        long at = position;
        while (buffer.hasRemaining()) {
            int n = channel.read(buffer, at);
            if (n < 0) {
                throw new CheckpointException(file, "cut short at byte " + at);
            }
            at += n;
        }
    }

    /**
     * Writes {@code tensors} in the map's order. The file appears whole or not at all: see {@link AtomicFile}.
     */
    public static void write(Path file, Map<String, TensorData> tensors, Map<String, String> metadata)
            throws IOException {
        ObjectNode header = JSON.createObjectNode();
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
        byte[] json = JSON.writeValueAsString(header).getBytes(StandardCharsets.UTF_8);
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
