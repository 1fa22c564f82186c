package org.coolsd.models;

import java.io.IOException;
import java.util.Optional;

/**
 * A kind of model that published checkpoints hold. {@link Checkpoints} finds the kinds as services ({@link
 * java.util.ServiceLoader}), so that a new one is a package of its own and a line that provides it.
 */
public interface Architecture {
    /** What it is called, as in "LlamaGen VQ tokenizer". */
    String name();

    /** How one is told from others, as in "model_type chameleon": for the line that refuses what is none of them. */
    String recognisedBy();

    /**
     * What {@code files} hold of this kind. Reads configurations and the headers of weights, no tensor's bytes.
     *
     * @return empty if it is another kind of model
     * @throws org.coolsd.checkpoint.CheckpointException in one line, if it is of this kind and not supported: what, and why
     */
    Optional<Component> find(CheckpointFiles files) throws IOException;
}
