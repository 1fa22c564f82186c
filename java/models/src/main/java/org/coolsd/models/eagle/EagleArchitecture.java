package org.coolsd.models.eagle;

import java.io.IOException;
import java.util.Optional;
import org.coolsd.models.Architecture;
import org.coolsd.models.CheckpointFiles;
import org.coolsd.models.Component;

/** LANTERN's EAGLE drafters for LlamaGen, told by the names of their tensors. */
public final class EagleArchitecture implements Architecture {
    /** Made by the service loader. */
    public EagleArchitecture() {}

    @Override
    public String name() {
        return "EAGLE drafter";
    }

    @Override
    public String recognisedBy() {
        return "tensors fc.weight and layers.0.mlp.gate_proj.weight";
    }

    @Override
    public Optional<Component> find(CheckpointFiles files) throws IOException {
        // Those for Chameleon have norms of queries and keys.
        if (!files.stored().containsKey("fc.weight")
                || !files.stored().containsKey("layers.0.mlp.gate_proj.weight")
                || files.stored().containsKey("layers.0.self_attn.q_norm.weight")) {
            return Optional.empty();
        }
        return Optional.of(new EagleComponent(files, files.config(EagleConfig.class)));
    }
}
