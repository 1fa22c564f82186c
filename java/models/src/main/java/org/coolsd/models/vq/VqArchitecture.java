package org.coolsd.models.vq;

import java.io.IOException;
import java.util.Optional;
import org.coolsd.checkpoint.TensorData;
import org.coolsd.models.Architecture;
import org.coolsd.models.CheckpointFiles;
import org.coolsd.models.Component;

/** LlamaGen's VQ tokenizers, told by the names of their tensors. */
public final class VqArchitecture implements Architecture {
    /** Made by the service loader. */
    public VqArchitecture() {}

    @Override
    public String name() {
        return "LlamaGen VQ tokenizer";
    }

    @Override
    public String recognisedBy() {
        return "tensor decoder.conv_blocks.0.res.0.conv1.weight";
    }

    @Override
    public Optional<Component> find(CheckpointFiles files) throws IOException {
        TensorData block = files.stored().get("decoder.conv_blocks.0.res.0.conv1.weight");
        if (block == null) {
            return Optional.empty();
        }
        return Optional.of(new VqComponent(files, files.config(VqConfig.class)));
    }
}
