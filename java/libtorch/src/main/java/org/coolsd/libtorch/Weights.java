package org.coolsd.libtorch;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;

/**
 * The named tensors of one model, as its checkpoint names them. Models look their tensors up here once, when they are
 * built, and say which one is missing or has another shape. Until it is closed, the tensors are its own.
 */
public final class Weights implements AutoCloseable {
    private final Map<String, Tensor> tensors;
    private final Set<String> asked = new LinkedHashSet<>();
    private boolean closed;

    /** Wraps {@code tensors}; the map is copied, the tensors are not. */
    public Weights(Map<String, Tensor> tensors) {
        this.tensors = new LinkedHashMap<>(tensors);
    }

    /**
     * The tensor called {@code name}.
     *
     * @param shape the shape the model needs; -1 leaves a dimension open
     * @throws IllegalArgumentException if there is none, or its shape differs
     */
    public Tensor get(String name, long... shape) {
        if (closed) {
            throw new IllegalStateException("the model of tensor '" + name + "' is closed");
        }
        Tensor tensor = tensors.get(name);
        if (tensor == null) {
            throw new IllegalArgumentException("the checkpoint has no tensor '" + name + "'");
        }
        asked.add(name);
        long[] actual = shape(tensor);
        boolean same = actual.length == shape.length;
        for (int i = 0; same && i < shape.length; i++) {
            same = shape[i] == -1 || shape[i] == actual[i];
        }
        if (!same) {
            throw new IllegalArgumentException("tensor '" + name + "' has shape " + Arrays.toString(actual)
                    + ", the configuration asks for " + Arrays.toString(shape));
        }
        return tensor;
    }

    /** Whether a tensor of this name is present. */
    public boolean has(String name) {
        return tensors.containsKey(name);
    }

    /** The tensors by name, in the order of the checkpoint. */
    public Map<String, Tensor> tensors() {
        return Collections.unmodifiableMap(tensors);
    }

    /** Names of the tensors that {@link #get} was asked for so far. */
    public Set<String> asked() {
        return Collections.unmodifiableSet(asked);
    }

    /** Marks every floating-point tensor as a leaf that collects gradients and returns them in order. */
    public List<Tensor> trainable() {
        List<Tensor> leaves = new ArrayList<>();
        for (Tensor tensor : tensors.values()) {
            if (tensor.is_floating_point()) {
                leaves.add(tensor.requires_grad_(true));
            }
        }
        return leaves;
    }

    /** Frees the tensors; what was made of them stays. Does nothing the second time. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            tensors.values().forEach(Tensor::releaseReference);
            tensors.clear();
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
