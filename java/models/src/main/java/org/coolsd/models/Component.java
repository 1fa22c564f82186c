package org.coolsd.models;

import java.io.IOException;
import java.util.Map;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;
import org.coolsd.libtorch.Weights;

/** A model in a checkpoint, known by its configuration and the headers of its weights: nothing is loaded. */
public interface Component {
    /** The files it is in. */
    CheckpointFiles files();

    /** What can be said of it without loading it. */
    Summary summary() throws IOException;

    /** Entries of expected.safetensors that {@link #outputs} reads and does not compute. */
    Set<String> inputs();

    /**
     * What the model gives, in f32 on the CPU, for inputs that the official code's outputs are known of; the names are those
     * of expected.safetensors. Every tensor that the model has a use for is asked of {@code weights}, even if nothing is
     * expected: those that are not asked for count as unused.
     *
     * @param weights all tensors of the file, f32; they stay the caller's
     * @param expected inputs, and outputs under whose names the model's own are wanted; may be empty
     * @return the outputs that this model computes, by name; at most those of {@code expected}
     * @throws IllegalArgumentException in one line, if a tensor is missing or has another shape
     */
    Map<String, Tensor> outputs(Weights weights, Map<String, Tensor> expected);

    /**
     * Names of the file's tensors that published checkpoints have and the model does not read.
     *
     * @throws org.coolsd.checkpoint.CheckpointException in one line, if one of them holds what it never can
     */
    default Set<String> knownUnused(Weights weights) throws IOException {
        return Set.of();
    }

    /**
     * Names of tensors that the model reads and that cancel out in exact arithmetic, as the bias of an attention's keys
     * does: whatever they are, outputs show it by their rounding only.
     */
    default Set<String> cancelling() throws IOException {
        return Set.of();
    }
}
