package org.coolsd.models.llamagen;

import java.io.IOException;
import java.util.Optional;
import org.coolsd.models.Architecture;
import org.coolsd.models.CheckpointFiles;
import org.coolsd.models.Component;

/** LlamaGen's GPTs, told by the names of their tensors. */
public final class LlamaGenArchitecture implements Architecture {
    /** Made by the service loader. */
    public LlamaGenArchitecture() {}

    @Override
    public String name() {
        return "LlamaGen GPT";
    }

    @Override
    public String recognisedBy() {
        return "tensor layers.0.attention.wqkv.weight";
    }

    @Override
    public Optional<Component> find(CheckpointFiles files) throws IOException {
        if (!files.stored().containsKey("layers.0.attention.wqkv.weight")) {
            return Optional.empty();
        }
        return Optional.of(new LlamaGenComponent(files, files.config(LlamaGenConfig.class)));
    }
}
