package org.coolsd.images;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.coolsd.checkpoint.CheckpointException;
import org.coolsd.libtorch.TensorFiles;
import org.coolsd.libtorch.Weights;
import org.coolsd.models.eagle.EagleConfig;
import org.coolsd.models.llamagen.LlamaGenConfig;
import org.coolsd.models.vq.VqConfig;

/**
 * A folder with config.json and one safetensors file per model: tokenizer, target, drafter, and, to evaluate
 * images, classifier.
 *
 * @param path the folder
 * @param config what config.json says
 */
public record ModelFolder(Path path, Config config) {
    /** A number that is none of the asked kind, or a name twice, is an error and not a guess. */
    private static final ObjectMapper JSON = new ObjectMapper()
            .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
            .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION);

    /** The folder of the model that comes with the project: models/fashion under the system property coolsd.home. */
    public static final Path SHIPPED = Path.of(System.getProperty("coolsd.home", ""), "models", "fashion");

    /**
     * The content of config.json.
     *
     * @param classes names of the classes by index
     * @param guidance classifier-free guidance scale to sample with unless told otherwise
     */
    public record Config(
            @JsonProperty("classes") List<String> classes,
            @JsonProperty("guidance") float guidance,
            @JsonProperty("tokenizer") VqConfig tokenizer,
            @JsonProperty("target") LlamaGenConfig target,
            @JsonProperty("drafter") EagleConfig drafter) {}

    /**
     * Reads config.json of {@code path}; weights are read on demand.
     *
     * @throws CheckpointException in one line if it is missing or damaged, or its parts contradict each other
     */
    public static ModelFolder open(Path path) throws IOException {
        Path file = path.resolve("config.json");
        if (!Files.isRegularFile(file)) {
            throw new CheckpointException(file, "no such file; a model folder has config.json");
        }
        try {
            Config config = JSON.readValue(file.toFile(), Config.class);
            if (config.classes() == null
                    || config.tokenizer() == null
                    || config.target() == null
                    || config.drafter() == null) {
                throw new CheckpointException(file, "lacks classes, tokenizer, target or drafter");
            }
            requireConsistent(file, config);
            return new ModelFolder(path, config);
        } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
            // A configuration's own words, where one refuses what it cannot read.
            boolean own = e.getCause() instanceof IllegalArgumentException;
            throw new CheckpointException(file, own ? e.getCause().getMessage() : e.getOriginalMessage(), e);
        }
    }

    /** What two parts say of the same thing must agree, or a class or a token would be one that the other does not have. */
    private static void requireConsistent(Path file, Config config) throws CheckpointException {
        int names = config.classes().size();
        if (names != config.target().numClasses()) {
            throw new CheckpointException(
                    file,
                    "classes has " + names + " names, target.num_classes is "
                            + config.target().numClasses());
        }
        if (config.tokenizer().codebookSize() != config.target().vocabSize()) {
            throw new CheckpointException(
                    file,
                    "tokenizer.codebook_size is " + config.tokenizer().codebookSize() + ", target.vocab_size "
                            + config.target().vocabSize() + "; the tokens of one are the other's");
        }
    }

    /** The file of the model called {@code name}. */
    public Path file(String name) {
        return path.resolve(name + ".safetensors");
    }

    /**
     * Reads the weights of the model called {@code name}, builds it of them and frees them: for models that keep what they
     * make of their weights.
     *
     * @throws CheckpointException in one line, with the file's name, if they do not fit config.json
     */
    public <T> T build(String name, Function<Weights, T> model) throws IOException {
        try (PointerScope scope = new PointerScope();
                Weights weights = weights(name)) {
            return fitting(name, model, weights);
        }
    }

    /** As {@link #build}, for models that keep their weights themselves. */
    public <T> T keep(String name, Function<Weights, T> model) throws IOException {
        Weights weights = weights(name);
        try {
            return fitting(name, model, weights);
        } catch (IOException | RuntimeException | Error e) {
            weights.close();
            throw e;
        }
    }

    private <T> T fitting(String name, Function<Weights, T> model, Weights weights) throws IOException {
        try {
            return model.apply(weights);
        } catch (IllegalArgumentException e) {
            throw new CheckpointException(file(name), e.getMessage(), e);
        }
    }

    /** The weights of the model called {@code name}, as f32; to be closed. */
    public Weights weights(String name) throws IOException {
        try (PointerScope scope = new PointerScope()) {
            Map<String, Tensor> tensors = TensorFiles.read(file(name), torch.ScalarType.Float);
            tensors.replaceAll((key, t) -> t.retainReference());
            return new Weights(tensors);
        }
    }
}
