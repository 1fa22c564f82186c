package org.coolsd.models;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.coolsd.checkpoint.CheckpointException;

/**
 * Finds the models in a folder: in its weights, one model a file, and in its folders {@code target}, {@code tokenizer} and
 * {@code drafter}. A configuration with these parts, as {@code ./coolsd train} writes it, has its weights in files of the
 * same names.
 */
public final class Checkpoints {
    /** What a folder of several models is made of. */
    private static final List<String> PARTS = List.of("target", "tokenizer", "drafter");

    private static final Set<String> WEIGHTS = Set.of(".pt", ".pth", ".bin", ".ckpt", ".safetensors");

    /** What the official code's outputs are in, and what training leaves behind: no models. */
    private static final Set<String> OTHERS = Set.of("expected.safetensors", "training_args.bin");

    private Checkpoints() {}

    /** The kinds of models that are read, by name. */
    public static List<Architecture> architectures() {
        return ServiceLoader.load(Architecture.class, Architecture.class.getClassLoader()).stream()
                .map(ServiceLoader.Provider::get)
                .sorted((a, b) -> a.name().compareTo(b.name()))
                .toList();
    }

    /**
     * The models in {@code folder}; at least one.
     *
     * @throws CheckpointException in one line: no such folder, nothing in it, a file that no architecture reads, or two
     *     models of one purpose, of which neither is taken
     */
    public static List<Component> find(Path folder) throws IOException {
        List<CheckpointFiles> checkpoints = files(folder);
        List<Component> found = new ArrayList<>();
        for (CheckpointFiles files : checkpoints) {
            found.addAll(find(files));
        }
        requireOneEach(folder, TargetComponent.class, found);
        requireOneEach(folder, DecoderComponent.class, found);
        requireOneEach(folder, DrafterComponent.class, found);
        return found;
    }

    private static List<Component> find(CheckpointFiles files) throws IOException {
        List<Component> found = new ArrayList<>();
        for (Architecture architecture : architectures()) {
            Optional<Component> component = architecture.find(files);
            component.ifPresent(found::add);
        }
        if (found.isEmpty()) {
            String type = files.config().path("model_type").asText("");
            throw new CheckpointException(
                    type.isEmpty() ? files.weightsFile() : files.configFile(),
                    (type.isEmpty() ? "none" : "model_type is '" + type + "', none") + " of the models that are read: "
                            + architectures().stream()
                                    .map(a -> a.name() + " (" + a.recognisedBy() + ")")
                                    .collect(Collectors.joining(", ")));
        }
        return found;
    }

    private static void requireOneEach(Path folder, Class<? extends Component> purpose, List<Component> found)
            throws CheckpointException {
        List<Component> same = found.stream().filter(purpose::isInstance).toList();
        if (same.size() > 1) {
            throw new CheckpointException(
                    folder,
                    "two models of one purpose, " + same.get(0).files() + " and "
                            + same.get(1).files() + "; put each in a folder of its own");
        }
    }

    /**
     * The content of {@code folder}'s config.json; a missing node if it has none.
     *
     * @throws CheckpointException in one line, if it is no JSON object
     */
    public static JsonNode config(Path folder) throws IOException {
        return CheckpointFiles.config(folder);
    }

    /** The checkpoints in a folder. */
    static List<CheckpointFiles> files(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            throw new CheckpointException(folder, "no such folder");
        }
        if (!Files.isDirectory(folder)) {
            throw new CheckpointException(folder, "not a folder; name the folder that the weights are in");
        }
        Path configFile = folder.resolve("config.json");
        JsonNode config = CheckpointFiles.config(folder);
        List<CheckpointFiles> all = new ArrayList<>();
        if (PARTS.stream().anyMatch(part -> config.path(part).isObject())) {
            for (String part : PARTS) {
                if (config.path(part).isObject()) {
                    Path weights = folder.resolve(part + ".safetensors");
                    if (!Files.exists(weights)) {
                        throw new CheckpointException(weights, "no such file, and config.json has its model");
                    }
                    all.add(new CheckpointFiles(weights, configFile, config.path(part)));
                }
            }
            return all;
        }
        for (Path weights : weights(folder)) {
            all.add(new CheckpointFiles(weights, configFile, config));
        }
        for (String part : PARTS) {
            if (Files.isDirectory(folder.resolve(part))) {
                all.addAll(files(folder.resolve(part)));
            }
        }
        if (all.isEmpty()) {
            throw new CheckpointException(
                    folder,
                    "no weights in this folder; they are a file that ends in .safetensors, .pt, .pth, .bin or .ckpt, or"
                            + " shards with their *.index.json");
        }
        return all;
    }

    /** The files of weights in {@code folder}: of shards, their index only. */
    private static List<Path> weights(Path folder) throws IOException {
        List<Path> files;
        try (Stream<Path> listed = Files.list(folder)) {
            files = listed.filter(Files::isRegularFile).sorted().toList();
        } catch (NoSuchFileException e) {
            throw new CheckpointException(folder, "no such folder", e);
        }
        List<Path> weights = new ArrayList<>();
        Set<String> shards = new HashSet<>();
        for (Path file : files) {
            String name = file.getFileName().toString();
            if (name.endsWith(".index.json")) {
                weights.add(file);
                shards.addAll(CheckpointFiles.shards(file));
            } else if (!OTHERS.contains(name) && WEIGHTS.stream().anyMatch(name.toLowerCase(Locale.ROOT)::endsWith)) {
                weights.add(file);
            }
        }
        return weights.stream()
                .filter(file -> !shards.contains(file.getFileName().toString()))
                .toList();
    }
}
