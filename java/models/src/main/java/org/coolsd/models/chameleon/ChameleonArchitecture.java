package org.coolsd.models.chameleon;

import java.io.IOException;
import java.util.Optional;
import org.coolsd.models.Architecture;
import org.coolsd.models.CheckpointFiles;
import org.coolsd.models.Component;

/** Chameleon decoders, told by their configuration. */
public final class ChameleonArchitecture implements Architecture {
    /** Made by the service loader. */
    public ChameleonArchitecture() {}

    @Override
    public String name() {
        return "Chameleon";
    }

    @Override
    public String recognisedBy() {
        return "model_type chameleon, tensor model.layers.0.self_attn.q_norm.weight";
    }

    @Override
    public Optional<Component> find(CheckpointFiles files) throws IOException {
        String type = files.config().path("model_type").asText("");
        if (!type.startsWith("chameleon") || !files.stored().containsKey("model.embed_tokens.weight")) {
            return Optional.empty();
        }
        ChameleonConfig config = files.config(ChameleonConfig.class);
        return Optional.of(new ChameleonComponent(files, config, ChameleonVocabulary.find(files, config.vocabSize())));
    }
}
