package org.coolsd.libtorch;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.coolsd.checkpoint.TensorData;

/**
 * The named tensors of one model, as its checkpoint names them. Models look their tensors up here when they are built, and
 * say which one is missing or has another shape. Tensors may be in memory, or in a file that is read as they are asked for.
 */
public final class Weights implements AutoCloseable {
    private final Map<String, Tensor> tensors;
    private final Map<String, TensorData> stored;
    private final ScalarType type;
    private final boolean keep;
    private final Set<String> asked = new LinkedHashSet<>();
    private boolean closed;

    /** Tensors in memory, which are its own until it is closed; the map is copied, the tensors are not. */
    public Weights(Map<String, Tensor> tensors) {
        this(new LinkedHashMap<>(tensors), new LinkedHashMap<>(), null, true);
    }

    private Weights(Map<String, Tensor> tensors, Map<String, TensorData> stored, ScalarType type, boolean keep) {
        this.tensors = tensors;
        this.stored = stored;
        this.type = type;
        this.keep = keep;
    }

    /**
     * Tensors in a file, of which only those are read that are asked for, each time anew: for models that make something
     * else of them, such as matrices of another precision. A tensor belongs to the caller's pointer scope, which frees it.
     *
     * @param type what their elements are converted to as they are read
     */
    public static Weights in(Map<String, TensorData> stored, ScalarType type) {
        return new Weights(new LinkedHashMap<>(), new LinkedHashMap<>(stored), type, false);
    }

    /** As {@link #in}, but a tensor is read once and kept until this is closed: for models that compute with them. */
    public static Weights keptFrom(Map<String, TensorData> stored, ScalarType type) {
        return new Weights(new LinkedHashMap<>(), new LinkedHashMap<>(stored), type, true);
    }

    /**
     * The tensor called {@code name}.
     *
     * @param shape the shape the model needs; -1 leaves a dimension open
     * @throws IllegalArgumentException if there is none, or its shape differs: nothing is read then
     * @throws UncheckedIOException if it cannot be read; its cause says in one line why
     */
    public synchronized Tensor get(String name, long... shape) {
        TensorData data = find(name, shape);
        Tensor tensor = tensors.get(name);
        return tensor != null ? tensor : read(name, data);
    }

    /**
     * The matrix called {@code name}, to be read a few rows at a time: for models that make something else of it.
     *
     * @param shape rows and columns that the model needs; -1 leaves one open
     * @throws IllegalArgumentException if there is none, or its shape differs
     */
    public synchronized Matrix matrix(String name, long... shape) {
        if (shape.length != 2) {
            throw new IllegalArgumentException("a matrix has 2 dimensions, " + shape.length + " are given");
        }
        TensorData data = find(name, shape);
        Tensor tensor = tensors.get(name);
        return tensor != null ? Matrix.of(tensor) : Matrix.of(data);
    }

    /** How a model asks for its matrices: {@link #get}, or {@link #matrix}. */
    @FunctionalInterface
    public interface Lookup<M> {
        /** The matrix called {@code name}, of that shape. */
        M get(String name, long... shape);
    }

    /** Where a tensor is stored, or null if it is in memory; its shape is checked. */
    private TensorData find(String name, long... shape) {
        if (closed) {
            throw new IllegalStateException("the model of tensor '" + name + "' is closed");
        }
        Tensor tensor = tensors.get(name);
        TensorData data = stored.get(name);
        if (tensor == null && data == null) {
            throw new IllegalArgumentException("the checkpoint has no tensor '" + name + "'");
        }
        asked.add(name);
        long[] actual = data != null ? data.shape() : shape(tensor);
        boolean same = actual.length == shape.length;
        for (int i = 0; same && i < shape.length; i++) {
            same = shape[i] == -1 || shape[i] == actual[i];
        }
        if (!same) {
            throw new IllegalArgumentException("tensor '" + name + "' has shape " + Arrays.toString(actual)
                    + ", the configuration asks for " + Arrays.toString(shape));
        }
        return data;
    }

    private Tensor read(String name, TensorData data) {
        try {
            Tensor tensor = TensorFiles.load(data, type);
            if (keep) {
                tensors.put(name, tensor.retainReference());
            }
            return tensor;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Whether a tensor of this name is present. */
    public boolean has(String name) {
        return stored.containsKey(name) || tensors.containsKey(name);
    }

    /** The names of all tensors, in the order of the checkpoint. */
    public Set<String> names() {
        return Collections.unmodifiableSet(stored.isEmpty() ? tensors.keySet() : stored.keySet());
    }

    /** The tensors in memory by name, in the order of the checkpoint: all, but for weights in a file those read and kept. */
    public Map<String, Tensor> tensors() {
        return Collections.unmodifiableMap(tensors);
    }

    /** Names of the tensors that {@link #get} was asked for so far. */
    public Set<String> asked() {
        return Collections.unmodifiableSet(asked);
    }

    /** Marks every floating-point tensor in memory as a leaf that collects gradients and returns them in order. */
    public List<Tensor> trainable() {
        List<Tensor> leaves = new ArrayList<>();
        for (Tensor tensor : tensors.values()) {
            if (tensor.is_floating_point()) {
                leaves.add(tensor.requires_grad_(true));
            }
        }
        return leaves;
    }

    /** Frees the tensors that it keeps; what was made of them stays. Does nothing the second time. */
    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            tensors.values().forEach(Tensor::releaseReference);
            tensors.clear();
            stored.clear();
        }
    }

    static long[] shape(Tensor tensor) {
        long[] shape = new long[(int) tensor.dim()];
        for (int i = 0; i < shape.length; i++) {
            shape[i] = tensor.size(i);
        }
        return shape;
    }
}
