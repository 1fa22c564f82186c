package org.coolsd.checkpoint;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The index of a sharded checkpoint: {@code weight_map} says which file each tensor is in. The index decides: tensors that it
 * does not name are not read, wherever they are, nor one of the same name in another file.
 */
final class ShardIndex {
    private static final ObjectMapper JSON = new ObjectMapper().enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION);

    private ShardIndex() {}

    /** The tensors that {@code index} names, in its order. */
    static Map<String, TensorData> read(Path index) throws IOException {
        Map<String, Map<String, TensorData>> shards = new HashMap<>();
        Map<String, TensorData> tensors = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> entry : weightMap(index).properties()) {
            String name = entry.getKey();
            if (!entry.getValue().isTextual()) {
                throw new CheckpointException(
                        index, "tensor '" + name + "' is in " + entry.getValue() + ", not in a file");
            }
            String shard = entry.getValue().asText();
            if (!shards.containsKey(shard)) {
                shards.put(shard, Checkpoint.read(place(index, shard)));
            }
            TensorData tensor = shards.get(shard).get(name);
            if (tensor == null) {
                throw new CheckpointException(
                        index, "tensor '" + name + "' should be in " + shard + ", which does not have it");
            }
            tensors.put(name, tensor);
        }
        return tensors;
    }

    private static JsonNode weightMap(Path index) throws IOException {
        JsonNode map;
        try {
            map = JSON.readTree(index.toFile()).path("weight_map");
        } catch (JsonProcessingException e) {
            throw new CheckpointException(index, "damaged index: " + e.getOriginalMessage(), e);
        }
        if (!map.isObject() || map.isEmpty()) {
            throw new CheckpointException(index, "an index without weight_map");
        }
        return map;
    }

    /** A file in the index's own folder. */
    private static Path place(Path index, String shard) throws CheckpointException {
        try {
            Path name = Path.of(shard);
            boolean plain = !name.isAbsolute()
                    && name.getNameCount() == 1
                    && !shard.equals("..")
                    && !shard.equals(".")
                    && !shard.isEmpty();
            if (plain) {
                Path file = index.resolveSibling(name);
                if (!Files.exists(file)) {
                    throw new CheckpointException(index, "the shard '" + shard + "' is missing: " + file);
                }
                return file;
            }
        } catch (InvalidPathException e) {
            // Said below.
        }
        throw new CheckpointException(index, "the shard '" + shard + "' is not a file in the index's own folder");
    }
}
