package org.coolsd.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeSet;

/** Reads the tensors of a checkpoint, whatever its format. */
public final class Checkpoint {
    private Checkpoint() {}

    /**
     * The named tensors of {@code file}: safetensors, the index of a sharded one (*.index.json), or a torch archive,
     * whose {@code model}, {@code state_dict} or {@code module} entry is taken where it has one. The format is told by
     * content, not by name.
     *
     * @return tensors by name
     * @throws CheckpointException in one line: no such file, damaged, or not a checkpoint
     */
    public static Map<String, TensorData> read(Path file) throws IOException {
        byte[] start = new byte[8];
        int n;
        try (InputStream in = Files.newInputStream(file)) {
            n = in.readNBytes(start, 0, 8);
        } catch (NoSuchFileException e) {
            throw new CheckpointException(file, "no such file", e);
        }
        if (n >= 4 && start[0] == 'P' && start[1] == 'K') {
            return TorchPickle.read(file);
        }
        if (n > 0 && start[0] == '{' && file.toString().endsWith(".json")) {
            return shards(file);
        }
        return Safetensors.read(file).tensors();
    }

    private static Map<String, TensorData> shards(Path index) throws IOException {
        JsonNode map = new ObjectMapper().readTree(index.toFile()).path("weight_map");
        TreeSet<String> files = new TreeSet<>();
        map.forEach(f -> files.add(f.asText()));
        if (files.isEmpty()) {
            throw new CheckpointException(index, "an index without weight_map");
        }
        Map<String, TensorData> all = new LinkedHashMap<>();
        for (String name : files) {
            Path shard = index.resolveSibling(name);
            if (!shard.toAbsolutePath()
                    .normalize()
                    .startsWith(index.toAbsolutePath().getParent().normalize())) {
                throw new CheckpointException(index, "the shard '" + name + "' lies outside the checkpoint's folder");
            }
            all.putAll(read(shard));
        }
        return all;
    }
}
