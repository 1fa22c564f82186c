package org.coolsd.models;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.coolsd.checkpoint.CheckpointException;
import org.coolsd.libtorch.PassScope;
import org.coolsd.libtorch.TensorFiles;
import org.coolsd.libtorch.Weights;

/**
 * Whether a checkpoint is read right: every tensor has a use, and what the model gives for the official code's inputs is what
 * the official code gave.
 *
 * @param errors the largest absolute error of each expected output, by name; infinite where shapes differ or numbers are none
 * @param used how many of the file's tensors are read
 * @param unused names of tensors that published files have and nothing reads
 * @param unknown names of tensors that are none of the model's
 * @param cancelling names of tensors that are read and whose values no output shows
 * @param strange expected entries that are neither inputs nor outputs of these models
 */
public record CheckpointCheck(
        Map<String, Double> errors,
        int used,
        SortedSet<String> unused,
        SortedSet<String> unknown,
        SortedSet<String> cancelling,
        SortedSet<String> strange) {
    /** The largest error of an output that is right, absolute, for values of order 1. */
    public static final double TOLERANCE = 1e-4;

    /** The file of the official code's outputs in a checkpoint's folder. */
    public static final String EXPECTED = "expected.safetensors";

    /** Whether all errors are within the tolerance and all tensors have a use. */
    public boolean passed() {
        return unknown.isEmpty() && errors.values().stream().allMatch(error -> error <= TOLERANCE);
    }

    /**
     * Checks all models of a folder, a file at a time.
     *
     * @param models as {@link Checkpoints#find} has them
     * @return by the file of the weights
     * @throws IOException in one line, if one cannot be loaded, or an entry of expected.safetensors is none of theirs
     */
    public static Map<Path, CheckpointCheck> of(List<Component> models) throws IOException {
        Map<Path, List<Component>> byFile = new LinkedHashMap<>();
        models.forEach(model -> byFile.computeIfAbsent(model.files().weightsFile(), file -> new ArrayList<>())
                .add(model));
        Map<Path, CheckpointCheck> checks = new LinkedHashMap<>();
        // Of each file with outputs: the entries that none of its folder's models knows.
        Map<Path, Set<String>> strange = new LinkedHashMap<>();
        for (Map.Entry<Path, List<Component>> e : byFile.entrySet()) {
            CheckpointFiles files = e.getValue().get(0).files();
            Path outputs = files.folder().resolve(EXPECTED);
            try (PassScope scope = new PassScope();
                    Weights weights = files.keptWeights(ScalarType.Float)) {
                Map<String, Tensor> expected = Files.exists(outputs) ? TensorFiles.read(outputs) : Map.of();
                CheckpointCheck check = of(e.getValue(), weights, expected);
                checks.put(e.getKey(), check);
                strange.computeIfAbsent(outputs, file -> new TreeSet<>(expected.keySet()))
                        .retainAll(check.strange());
            }
        }
        for (Map.Entry<Path, Set<String>> e : strange.entrySet()) {
            for (String name : e.getValue()) {
                throw new CheckpointException(
                        e.getKey(), "entry '" + name + "' is neither an input nor an output of the models beside it");
            }
        }
        return checks;
    }

    /** Checks the models in one file of weights, whose tensors are loaded. */
    static CheckpointCheck of(List<Component> models, Weights weights, Map<String, Tensor> expected)
            throws IOException {
        CheckpointFiles files = models.get(0).files();
        Map<String, Double> errors = new LinkedHashMap<>();
        SortedSet<String> cancelling = new TreeSet<>();
        SortedSet<String> unused = new TreeSet<>();
        SortedSet<String> strange = new TreeSet<>(expected.keySet());
        for (Component model : models) {
            strange.removeAll(model.inputs());
            cancelling.addAll(model.cancelling());
            Map<String, Tensor> outputs = outputs(model, weights, expected);
            outputs.forEach((name, actual) -> errors.put(name, error(actual, expected.get(name))));
            strange.removeAll(outputs.keySet());
        }
        Set<String> used = new TreeSet<>(weights.asked());
        for (Component model : models) {
            unused.addAll(model.knownUnused(weights));
        }
        unused.removeAll(used);
        SortedSet<String> unknown = new TreeSet<>(weights.names());
        unknown.removeAll(used);
        unknown.removeAll(unused);
        return new CheckpointCheck(errors, used.size(), unused, unknown, cancelling, strange);
    }

    private static Map<String, Tensor> outputs(Component model, Weights weights, Map<String, Tensor> expected)
            throws IOException {
        try {
            return model.outputs(weights, expected);
        } catch (IllegalArgumentException e) {
            throw new CheckpointException(model.files().weightsFile(), e.getMessage(), e);
        } catch (UncheckedIOException e) {
            throw e.getCause();
        } catch (RuntimeException e) {
            // LibTorch's words, of several lines: an input that the model has no place for.
            String words = String.valueOf(e.getMessage()).lines().findFirst().orElse("");
            throw new CheckpointException(
                    model.files().folder().resolve(EXPECTED),
                    "its inputs are none of the model " + model.files() + ": " + words,
                    e);
        }
    }

    private static double error(Tensor actual, Tensor expected) {
        boolean same = actual.dim() == expected.dim();
        for (int i = 0; same && i < actual.dim(); i++) {
            same = actual.size(i) == expected.size(i);
        }
        if (!same) {
            return Double.POSITIVE_INFINITY;
        }
        double error = actual.to(ScalarType.Double)
                .sub(expected.to(ScalarType.Double))
                .abs()
                .max()
                .item_double();
        return Double.isNaN(error) ? Double.POSITIVE_INFINITY : error;
    }
}
