package org.coolsd.models;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.LongConsumer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.coolsd.checkpoint.Checkpoint;
import org.coolsd.checkpoint.CheckpointException;
import org.coolsd.checkpoint.ElementType;
import org.coolsd.checkpoint.TensorData;
import org.coolsd.libtorch.Weights;

/**
 * The files of one checkpoint: its weights, which may be an index of shards, and the configuration beside them. Headers are
 * read once, a tensor's bytes by {@link #weights}.
 */
public final class CheckpointFiles {
    /** A number that is none of the asked kind, or a name twice, is an error and not a guess. */
    private static final ObjectMapper JSON = new ObjectMapper()
            .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
            .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION);

    private final Path weights;
    private final Path configFile;
    private final JsonNode config;
    private Map<String, TensorData> stored;
    private LongConsumer read = bytes -> {};

    CheckpointFiles(Path weights, Path configFile, JsonNode config) {
        this.weights = weights;
        this.configFile = configFile;
        this.config = config;
    }

    /** The content of {@code folder}'s config.json; a missing node if it has none. */
    static JsonNode config(Path folder) throws IOException {
        Path file = folder.resolve("config.json");
        if (!Files.exists(file)) {
            return MissingNode.getInstance();
        }
        try {
            JsonNode config = JSON.readTree(file.toFile());
            if (!config.isObject()) {
                throw new CheckpointException(file, "no JSON object, so no configuration");
            }
            return config;
        } catch (JsonProcessingException e) {
            throw new CheckpointException(file, e.getOriginalMessage(), e);
        }
    }

    /** Names of the files that an index of shards refers to; none if it is damaged, which {@link #stored} says. */
    static Set<String> shards(Path index) throws IOException {
        Set<String> names = new HashSet<>();
        try {
            JSON.readTree(index.toFile()).path("weight_map").forEach(name -> names.add(name.asText()));
        } catch (JsonProcessingException e) {
            return Set.of();
        }
        return names;
    }

    /** The file of the weights, or the index of their shards. */
    public Path weightsFile() {
        return weights;
    }

    /** Their folder. */
    public Path folder() {
        return weights.toAbsolutePath().getParent();
    }

    /** The file of the configuration, for messages; it need not be there. */
    public Path configFile() {
        return configFile;
    }

    /** The configuration beside the weights; a missing node if there is none. */
    public JsonNode config() {
        return config;
    }

    /**
     * The configuration as {@code type}.
     *
     * @throws CheckpointException in one line with the type's own words, if it refuses the configuration
     */
    public <T> T config(Class<T> type) throws CheckpointException {
        if (config.isMissingNode()) {
            throw new CheckpointException(
                    configFile, "no such file; " + weights.getFileName() + " needs its configuration beside it");
        }
        try {
            return JSON.treeToValue(config, type);
        } catch (JsonProcessingException e) {
            boolean own = e.getCause() instanceof IllegalArgumentException;
            throw new CheckpointException(configFile, own ? e.getCause().getMessage() : e.getOriginalMessage(), e);
        }
    }

    /**
     * The tensors by name, with shapes and types; their bytes are not read.
     *
     * @throws CheckpointException in one line: damaged, or not a checkpoint
     */
    public synchronized Map<String, TensorData> stored() throws IOException {
        if (stored == null) {
            stored = Checkpoint.read(weights);
        }
        return stored;
    }

    /**
     * The tensors as {@code type}, on the CPU, each read when it is asked for and freed with the pointer scope that asked: for
     * models that make something else of them. The caller closes it.
     */
    public Weights weights(ScalarType type) throws IOException {
        return Weights.in(counted(), type);
    }

    /**
     * Builds what is made of the weights and keeps none of them: each is read as f32 when {@code model} asks for it.
     *
     * @throws CheckpointException in one line with the file's name, if they do not fit or cannot be read
     */
    public <T> T build(Function<Weights, T> model) throws IOException {
        try (PointerScope scope = new PointerScope();
                Weights weights = weights(ScalarType.Float)) {
            return model.apply(weights);
        } catch (IllegalArgumentException e) {
            throw new CheckpointException(weightsFile(), e.getMessage(), e);
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    /** As {@link #build}, for models that keep their weights themselves. */
    public <T> T keep(Function<Weights, T> model) throws IOException {
        Weights weights = keptWeights(ScalarType.Float);
        try {
            return model.apply(weights);
        } catch (IllegalArgumentException e) {
            weights.close();
            throw new CheckpointException(weightsFile(), e.getMessage(), e);
        } catch (UncheckedIOException e) {
            weights.close();
            throw e.getCause();
        } catch (RuntimeException | Error e) {
            weights.close();
            throw e;
        }
    }

    /** As {@link #weights}, but what was read is kept until the caller closes it: for models that compute with them. */
    public Weights keptWeights(ScalarType type) throws IOException {
        return Weights.keptFrom(counted(), type);
    }

    /** Has {@code listener} told how many bytes of tensors were read, whenever some were: for a progress bar. */
    public void whenRead(LongConsumer listener) {
        read = listener;
    }

    private Map<String, TensorData> counted() throws IOException {
        Map<String, TensorData> counted = new LinkedHashMap<>();
        stored().forEach((name, data) -> counted.put(name, new Counted(data, read)));
        return counted;
    }

    /** A tensor that tells how much of it is read. */
    private record Counted(TensorData data, LongConsumer listener) implements TensorData {
        @Override
        public ElementType type() {
            return data.type();
        }

        @Override
        public long[] shape() {
            return data.shape();
        }

        @Override
        public void read(long offset, ByteBuffer into) throws IOException {
            int bytes = into.remaining();
            data.read(offset, into);
            listener.accept(bytes);
        }
    }

    @Override
    public String toString() {
        return weights.toString();
    }
}
