package org.coolsd.models.vq;

import java.io.IOException;
import java.util.List;
import java.util.Optional;
import org.coolsd.models.Architecture;
import org.coolsd.models.CheckpointFiles;
import org.coolsd.models.Component;

/** The VQGAN of Chameleon, Lumina-mGPT and Anole, told by the names of its tensors. */
public final class VqganArchitecture implements Architecture {
    /** Its discriminator and what it was trained to look like, which only training reads. */
    private static final List<String> OF_TRAINING = List.of("loss.");

    /** Made by the service loader. */
    public VqganArchitecture() {}

    @Override
    public String name() {
        return "Chameleon VQGAN";
    }

    @Override
    public String recognisedBy() {
        return "tensor decoder.up.0.block.0.conv1.weight, vqgan.yaml beside it";
    }

    @Override
    public Optional<Component> find(CheckpointFiles files) throws IOException {
        if (!files.stored().containsKey("decoder.up.0.block.0.conv1.weight")) {
            return Optional.empty();
        }
        String weights = files.weightsFile().getFileName().toString();
        int dot = weights.lastIndexOf('.');
        VqganConfig read = VqganConfig.read(files.folder().resolve(weights.substring(0, dot) + ".yaml"));
        return Optional.of(new VqComponent(files, name(), read.config(), read.layout(), OF_TRAINING));
    }
}
