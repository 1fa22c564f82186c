package org.coolsd.models;

import java.io.IOException;
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
 */
public record CheckpointCheck(
        Map<String, Double> errors,
        int used,
        SortedSet<String> unused,
        SortedSet<String> unknown,
        SortedSet<String> cancelling) {
    /** The largest error of an output that is right, absolute, for values of order 1. */
    public static final double TOLERANCE = 1e-4;

    /** The file of the official code's outputs in a checkpoint's folder. */
    public static final String EXPECTED = "expected.safetensors";

    /** Whether all errors are within the tolerance and all tensors have a use. */
    public boolean passed() {
        return unknown.isEmpty() && errors.values().stream().allMatch(error -> error <= TOLERANCE);
    }

    /**
     * Checks the models in one file of weights.
     *
     * @throws IOException in one line, if they cannot be loaded, or an entry of expected.safetensors is none of theirs
     */
    public static CheckpointCheck of(List<Component> models) throws IOException {
        CheckpointFiles files = models.get(0).files();
        try (PassScope scope = new PassScope();
                Weights weights = files.weights(ScalarType.Float)) {
            Path expected = files.folder().resolve(EXPECTED);
            return of(models, weights, Files.exists(expected) ? TensorFiles.read(expected) : Map.of());
        }
    }

    /** As {@link #of(List)}, for tensors that are loaded already. */
    static CheckpointCheck of(List<Component> models, Weights weights, Map<String, Tensor> expected)
            throws IOException {
        CheckpointFiles files = models.get(0).files();
        Map<String, Double> errors = new LinkedHashMap<>();
        SortedSet<String> cancelling = new TreeSet<>();
        SortedSet<String> unused = new TreeSet<>();
        List<String> strange = new ArrayList<>(expected.keySet());
        for (Component model : models) {
            strange.removeAll(model.inputs());
            cancelling.addAll(model.cancelling());
            try {
                Map<String, Tensor> outputs = model.outputs(weights, expected);
                outputs.forEach((name, actual) -> errors.put(name, error(actual, expected.get(name))));
                strange.removeAll(outputs.keySet());
            } catch (IllegalArgumentException e) {
                throw new CheckpointException(files.weightsFile(), e.getMessage(), e);
            }
        }
        if (!strange.isEmpty()) {
            throw new CheckpointException(
                    files.folder().resolve(EXPECTED),
                    "entry '" + strange.get(0) + "' is neither an input nor an output of "
                            + models.get(0).summary().architecture());
        }
        Set<String> used = new TreeSet<>(weights.asked());
        for (Component model : models) {
            unused.addAll(model.knownUnused(weights));
        }
        unused.removeAll(used);
        SortedSet<String> unknown = new TreeSet<>(weights.tensors().keySet());
        unknown.removeAll(used);
        unknown.removeAll(unused);
        return new CheckpointCheck(errors, used.size(), unused, unknown, cancelling);
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
