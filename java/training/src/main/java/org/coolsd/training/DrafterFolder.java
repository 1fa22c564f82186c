package org.coolsd.training;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.coolsd.checkpoint.AtomicFile;
import org.coolsd.checkpoint.CheckpointException;
import org.coolsd.checkpoint.Safetensors;
import org.coolsd.libtorch.TensorFiles;
import org.coolsd.libtorch.Weights;

/**
 * The folder of a drafter that was trained for a published target: config.json and model.safetensors, with the names
 * of LANTERN's drafters, whose sizes are the target's.
 */
public final class DrafterFolder {
    private static final String CONFIG = "config.json";
    private static final String WEIGHTS = "model.safetensors";

    /** In the metadata of what is written here: published drafters have none like it. */
    private static final Map<String, String> METADATA = Map.of("format", "pt", "source", "coolsd train drafter");

    private DrafterFolder() {}

    /** Whether {@code weights} were written by {@link #write}, so that they may be written anew. */
    public static boolean isOwn(Path weights) throws IOException {
        try {
            return METADATA.equals(Safetensors.read(weights).metadata());
        } catch (CheckpointException e) {
            // Another format, which is not written here.
            return false;
        }
    }

    /**
     * Writes a drafter, its weights as bf16.
     *
     * @param folder where it goes; it appears whole, and if it is there its files are replaced
     * @param config what config.json says
     * @param scratch an existing folder on the same disk, where it is made
     */
    public static void write(Path folder, Path scratch, ObjectNode config, Weights weights) throws IOException {
        boolean there = Files.exists(folder);
        Path made = there ? folder : Files.createDirectories(scratch.resolve("drafter"));
        byte[] json = config.toPrettyString().getBytes(StandardCharsets.UTF_8);
        AtomicFile.write(made.resolve(CONFIG), out -> out.write(json));
        Map<String, Tensor> half = new LinkedHashMap<>();
        weights.tensors().forEach((name, t) -> half.put(name, t.detach().to(ScalarType.BFloat16)));
        TensorFiles.write(made.resolve(WEIGHTS), half, METADATA);
        if (!there) {
            Files.move(made, folder, StandardCopyOption.ATOMIC_MOVE);
        }
    }
}
