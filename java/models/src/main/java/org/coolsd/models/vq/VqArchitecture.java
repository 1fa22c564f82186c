package org.coolsd.models.vq;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.LongStream;
import org.coolsd.checkpoint.CheckpointException;
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
        boolean configured = files.config().has("codebook_size");
        VqConfig config = configured ? files.config(VqConfig.class) : sizes(files);
        VqLayout layout = VqLayout.llamaGen(config.chMult().length);
        return Optional.of(new VqComponent(files, name(), config, layout, List.of()));
    }

    /** The configuration of a file that has none beside it, as the published ones: from the shapes of its tensors. */
    private static VqConfig sizes(CheckpointFiles files) throws IOException {
        Map<String, TensorData> stored = files.stored();
        long[] codebook = shape(files, "quantize.embedding.weight", 2);
        int width = (int) shape(files, "encoder.conv_in.weight", 4)[0];
        List<Integer> factors = new ArrayList<>();
        for (int level = 0; stored.containsKey(first(level, 0)); level++) {
            factors.add((int) (shape(files, first(level, 0), 4)[0] / Math.max(1, width)));
        }
        int blocks = 0;
        while (stored.containsKey(first(0, blocks))) {
            blocks++;
        }
        try {
            return new VqConfig(
                    (int) codebook[0],
                    (int) codebook[1],
                    true,
                    width,
                    factors.stream().mapToInt(factor -> factor).toArray(),
                    (int) shape(files, "encoder.conv_out.weight", 4)[0],
                    blocks);
        } catch (IllegalArgumentException e) {
            throw new CheckpointException(
                    files.weightsFile(), "its tensors have sizes of no such tokenizer: " + e.getMessage(), e);
        }
    }

    /** The first convolution of an encoder's block. */
    private static String first(int level, int block) {
        return "encoder.conv_blocks." + level + ".res." + block + ".conv1.weight";
    }

    private static long[] shape(CheckpointFiles files, String name, int dimensions) throws IOException {
        TensorData tensor = files.stored().get(name);
        if (tensor == null) {
            throw new CheckpointException(files.weightsFile(), "the checkpoint has no tensor '" + name + "'");
        }
        long[] shape = tensor.shape();
        if (shape.length != dimensions || LongStream.of(shape).anyMatch(n -> n < 1 || n > Integer.MAX_VALUE)) {
            throw new CheckpointException(
                    files.weightsFile(),
                    "tensor '" + name + "' has shape " + Arrays.toString(shape) + ", not one of " + dimensions
                            + " dimensions");
        }
        return shape;
    }
}
