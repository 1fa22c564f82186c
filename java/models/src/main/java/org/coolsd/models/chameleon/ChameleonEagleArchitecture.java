package org.coolsd.models.chameleon;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.Optional;
import org.coolsd.checkpoint.CheckpointException;
import org.coolsd.models.Architecture;
import org.coolsd.models.CheckpointFiles;
import org.coolsd.models.Component;

/** LANTERN's EAGLE drafters for Chameleon decoders, told by the names of their tensors. */
public final class ChameleonEagleArchitecture implements Architecture {
    /** Made by the service loader. */
    public ChameleonEagleArchitecture() {}

    @Override
    public String name() {
        return "EAGLE drafter for Chameleon";
    }

    @Override
    public String recognisedBy() {
        return "tensors fc.weight and layers.0.self_attn.q_norm.weight";
    }

    @Override
    public Optional<Component> find(CheckpointFiles files) throws IOException {
        if (!files.stored().containsKey("fc.weight")
                || !files.stored().containsKey("layers.0.self_attn.q_norm.weight")) {
            return Optional.empty();
        }
        ChameleonConfig config = files.config(ChameleonConfig.class);
        if (config.layers() != 1) {
            throw new CheckpointException(
                    files.configFile(), "num_hidden_layers is " + config.layers() + "; a drafter has 1");
        }
        JsonNode bias = files.config().path("bias");
        return Optional.of(new ChameleonEagleComponent(files, config, bias.asBoolean(true)));
    }
}
