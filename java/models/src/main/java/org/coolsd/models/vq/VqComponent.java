package org.coolsd.models.vq;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.coolsd.checkpoint.CheckpointException;
import org.coolsd.checkpoint.TensorData;
import org.coolsd.decode.Window;
import org.coolsd.libtorch.Tensors;
import org.coolsd.libtorch.Weights;
import org.coolsd.models.CheckpointFiles;
import org.coolsd.models.DecoderComponent;
import org.coolsd.models.LoadedDecoder;
import org.coolsd.models.Summary;

/**
 * A VQ tokenizer in a checkpoint.
 *
 * @param kind what its architecture calls it
 * @param layout its tensors' names
 * @param ofTraining how the names of tensors begin that only training reads
 */
record VqComponent(CheckpointFiles files, String kind, VqConfig config, VqLayout layout, List<String> ofTraining)
        implements DecoderComponent {
    /** The codes that training used last, which nothing else reads. */
    private static final String HISTORY = "quantize.codebook_used";

    @Override
    public Summary summary() throws IOException {
        return Summary.of(
                files,
                kind + ", " + (1 << (config.chMult().length - 1)) + " pixels a token",
                config.codebookSize(),
                Window.ALL,
                name -> !name.equals(HISTORY) && !isOfTraining(name),
                name -> false,
                0);
    }

    @Override
    public Set<String> inputs() {
        return Set.of("codes", "image");
    }

    @Override
    public Map<String, Tensor> outputs(Weights weights, Map<String, Tensor> expected) {
        VqTokenizer tokenizer = new VqTokenizer(config, layout, weights);
        // Of one token if nothing is expected: so that every tensor is asked for.
        Tensor codes = expected.containsKey("codes") ? expected.get("codes") : Tensors.of(new long[] {0}, 1, 1);
        long side = 1L << (config.chMult().length - 1);
        Tensor image = expected.containsKey("image") ? expected.get("image") : torch.zeros(1, 3, side, side);
        Map<String, Tensor> outputs = new LinkedHashMap<>();
        outputs.put("decoded", tokenizer.decode(codes));
        Tensor latents = tokenizer.latents(image);
        outputs.put("encoded_latents", latents);
        outputs.put("encoded_codes", tokenizer.quantise(latents));
        outputs.keySet().retainAll(expected.keySet());
        return outputs;
    }

    @Override
    public Set<String> knownUnused(Weights weights) throws IOException {
        Set<String> unused = new TreeSet<>(weights.names());
        unused.removeIf(name -> !isOfTraining(name));
        if (weights.has(HISTORY)) {
            requireCodes(weights);
            unused.add(HISTORY);
        }
        return unused;
    }

    private boolean isOfTraining(String name) {
        return ofTraining.stream().anyMatch(name::startsWith);
    }

    private void requireCodes(Weights weights) throws IOException {
        Tensor used = weights.get(HISTORY, -1);
        boolean codes = used.eq(used.floor()).all().item_bool()
                && used.ge(new Scalar(0)).all().item_bool()
                && used.lt(new Scalar(config.codebookSize())).all().item_bool();
        if (!codes) {
            throw new CheckpointException(
                    files.weightsFile(),
                    "tensor '" + HISTORY + "' has what is no code of 0.." + (config.codebookSize() - 1)
                            + "; the file is damaged or another model's");
        }
    }

    /**
     * The biases of keys, which add the same to all scores of a query; and those that add the same to all that a group of a
     * norm is over, which takes its mean away: where a width is the norms' 32 groups, those before the second norm of a block,
     * and those of the decoder's last blocks, which only norms read.
     */
    @Override
    public Set<String> cancelling() throws IOException {
        int levels = config.chMult().length;
        Set<String> names = new TreeSet<>();
        for (Map.Entry<String, TensorData> e : files.stored().entrySet()) {
            String name = e.getKey();
            boolean single = e.getValue().shape().length == 1 && e.getValue().shape()[0] == ConvNet.GROUPS;
            boolean last = name.startsWith(layout.decoderLevel(levels - 1, levels) + ".")
                    && (name.endsWith(".conv2.bias") || name.endsWith(".nin_shortcut.bias"));
            if (name.endsWith(".k.bias") || single && (last || name.endsWith(".conv1.bias"))) {
                names.add(name);
            }
        }
        return names;
    }

    @Override
    public LoadedDecoder load() throws IOException {
        return files.keep(weights -> new VqDecoder(new VqTokenizer(config, layout, weights)));
    }
}
