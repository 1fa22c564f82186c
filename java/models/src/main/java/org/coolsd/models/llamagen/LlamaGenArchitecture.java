package org.coolsd.models.llamagen;

import java.io.IOException;
import java.util.Optional;
import java.util.Set;
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
        return "tensor layers.0.attention.wqkv.weight, or model.layers and model.cls_embedding";
    }

    @Override
    public Optional<Component> find(CheckpointFiles files) throws IOException {
        Set<String> names = files.stored().keySet();
        boolean official = names.contains(LlamaGenTensors.OFFICIAL);
        boolean converted = names.contains(LlamaGenTensors.CONVERTED)
                && names.stream().anyMatch(name -> name.startsWith("model.cls_embedding."));
        if (!official && !converted) {
            return Optional.empty();
        }
        return Optional.of(new LlamaGenComponent(files, LlamaGenSizes.of(files)));
    }
}
