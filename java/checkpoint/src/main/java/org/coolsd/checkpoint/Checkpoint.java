package org.coolsd.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/** Reads the tensors of a checkpoint, whatever its format. docs/models.md says what is read and what is refused. */
public final class Checkpoint {
    private static final int START = 256;
    private static final long LONGEST_INDEX = 100_000_000;

    private enum Format {
        TORCH,
        SAFETENSORS,
        INDEX
    }

    private Checkpoint() {}

    /**
     * The named tensors of {@code file}: safetensors, a torch archive, whose {@code model}, {@code module} or {@code
     * state_dict} entry is taken where it has one with tensors, or the index of either in shards (*.index.json), which alone
     * decides which tensors there are and which shard each is taken from. The format is told by content, not by name.
     *
     * @return tensors by name
     * @throws CheckpointException in one line: no such file, damaged, or not a checkpoint
     */
    public static Map<String, TensorData> read(Path file) throws IOException {
        return switch (format(file)) {
            case TORCH -> TorchPickle.read(file, name -> true);
            case SAFETENSORS -> Safetensors.read(file).tensors();
            case INDEX -> shards(file);
        };
    }

    private static Format format(Path file) throws IOException {
        if (Files.isDirectory(file)) {
            throw new CheckpointException(file, "a folder; name the file in it, or its *.index.json");
        }
        byte[] start;
        try (InputStream in = Files.newInputStream(file)) {
            start = in.readNBytes(START);
        } catch (NoSuchFileException e) {
            throw new CheckpointException(file, "no such file", e);
        }
        if (start.length == 0) {
            throw new CheckpointException(file, "empty; download it again");
        }
        // Before the zip: a header of 19280 bytes begins with PK too, and no zip has '{' at byte 8.
        if (start.length > 8 && start[8] == '{') {
            long header = ByteBuffer.wrap(start).order(ByteOrder.LITTLE_ENDIAN).getLong();
            if (header >= 0 && header <= Files.size(file)) {
                return Format.SAFETENSORS;
            }
        }
        if (start.length >= 2 && start[0] == 'P' && start[1] == 'K') {
            return Format.TORCH;
        }
        String text = new String(start, StandardCharsets.UTF_8)
                .replace("\ufeff", "")
                .strip()
                .toLowerCase(Locale.ROOT);
        if (text.startsWith("version https://git-lfs")) {
            throw new CheckpointException(file, "a Git LFS pointer, not the weights; run 'git lfs pull' in its folder");
        }
        if (text.startsWith("<")) {
            throw new CheckpointException(
                    file, "a web page, not weights; download the file itself, signed in if its site asks for it");
        }
        if (text.startsWith("{")) {
            return Format.INDEX;
        }
        if (start[0] == (byte) 0x80) {
            throw new CheckpointException(
                    file, "a bare pickle, as torch.save wrote before 1.6; load it in torch and save it again");
        }
        if (text.startsWith("gguf")) {
            throw new CheckpointException(file, "GGUF, which is not read; take the safetensors of the same model");
        }
        return Format.SAFETENSORS;
    }

    private static Map<String, TensorData> shards(Path index) throws IOException {
        if (Files.size(index) > LONGEST_INDEX) {
            throw new CheckpointException(index, "an index of more than " + LONGEST_INDEX + " bytes");
        }
        JsonNode map;
        try (InputStream in = Files.newInputStream(index)) {
            map = Json.read(index, "the index", in).path("weight_map");
        }
        if (!map.isObject() || map.isEmpty()) {
            throw new CheckpointException(index, "JSON without weight_map, not the index of a checkpoint");
        }
        Map<String, Set<String>> wanted = new HashMap<>();
        for (Map.Entry<String, JsonNode> e : map.properties()) {
            wanted.computeIfAbsent(e.getValue().asText(), file -> new HashSet<>())
                    .add(e.getKey());
        }
        Map<String, Map<String, TensorData>> shards = new HashMap<>();
        Map<String, TensorData> all = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> e : map.properties()) {
            String name = e.getKey();
            if (!e.getValue().isTextual()) {
                throw new CheckpointException(index, "tensor '" + name + "' is said to be in " + e.getValue());
            }
            String file = e.getValue().textValue();
            Map<String, TensorData> shard = shards.get(file);
            if (shard == null) {
                shard = shard(index, name, file, wanted.get(file)::contains);
                shards.put(file, shard);
            }
            TensorData tensor = shard.get(name);
            if (tensor == null) {
                throw new CheckpointException(
                        index, "tensor '" + name + "' is not in '" + file + "'; download both again");
            }
            all.put(name, tensor);
        }
        return all;
    }

    /** The wanted tensors of a shard; {@code tensor} is one of them. */
    private static Map<String, TensorData> shard(Path index, String tensor, String name, Predicate<String> wanted)
            throws IOException {
        Path file;
        try {
            Path relative = Path.of(name);
            boolean up = false;
            for (Path part : relative) {
                up |= part.toString().equals("..");
            }
            if (name.isEmpty() || relative.isAbsolute() || up || name.contains("\\")) {
                throw outside(index, tensor, name);
            }
            file = index.resolveSibling(relative);
        } catch (InvalidPathException e) {
            throw outside(index, tensor, name);
        }
        if (!Files.exists(file)) {
            throw new CheckpointException(
                    index, "shard '" + name + "' with tensor '" + tensor + "' is missing; download it to this folder");
        }
        try {
            return switch (format(file)) {
                case TORCH -> TorchPickle.read(file, wanted);
                case SAFETENSORS -> Safetensors.read(file, wanted).tensors();
                case INDEX -> throw new CheckpointException(file, "JSON, not a shard");
            };
        } catch (CheckpointException e) {
            throw new CheckpointException(index, "tensor '" + tensor + "' cannot be read from " + e.getMessage(), e);
        }
    }

    private static CheckpointException outside(Path index, String tensor, String shard) {
        return new CheckpointException(
                index, "shard '" + shard + "' of tensor '" + tensor + "' is not a file of the checkpoint's folder");
    }
}
