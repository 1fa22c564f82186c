package org.coolsd.models.t5;

import java.io.IOException;
import java.util.Optional;
import org.coolsd.models.Architecture;
import org.coolsd.models.CheckpointFiles;
import org.coolsd.models.Component;

/** T5 encoders, told by the model type in their configuration. */
public final class T5Architecture implements Architecture {
    /** Made by the service loader. */
    public T5Architecture() {}

    @Override
    public String name() {
        return "T5 encoder";
    }

    @Override
    public String recognisedBy() {
        return "model_type t5";
    }

    @Override
    public Optional<Component> find(CheckpointFiles files) throws IOException {
        if (!files.config().path("model_type").asText("").equals("t5")) {
            return Optional.empty();
        }
        return Optional.of(new T5Component(files, files.config(T5Config.class)));
    }
}
