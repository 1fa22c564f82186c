package org.coolsd.models.t5;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.pytorch.Tensor;
import org.coolsd.decode.Window;
import org.coolsd.libtorch.Placement;
import org.coolsd.libtorch.Precision;
import org.coolsd.libtorch.Tensors;
import org.coolsd.libtorch.Weights;
import org.coolsd.models.CheckpointFiles;
import org.coolsd.models.Component;
import org.coolsd.models.Summary;

/**
 * A T5 encoder in a checkpoint, which may hold the decoder too.
 *
 * @param files its files
 * @param config its configuration
 */
public record T5Component(CheckpointFiles files, T5Config config) implements Component {
    @Override
    public Summary summary() throws IOException {
        Set<String> names = files.stored().keySet();
        String embedding = T5Encoder.embedding(names::contains);
        return Summary.of(
                files,
                "T5 encoder of width " + config.dim(),
                config.vocabSize(),
                Window.ALL,
                name -> name.equals(embedding) || isEncoder(name),
                name -> name.contains(".SelfAttention.") && !name.contains("relative_attention_bias")
                        || name.contains(".DenseReluDense."),
                0);
    }

    private static boolean isEncoder(String name) {
        return name.startsWith("encoder.") && !name.equals("encoder.embed_tokens.weight");
    }

    @Override
    public Set<String> inputs() {
        return Set.of("input_ids");
    }

    /** One text, {@code input_ids} i64 [1, tokens], gives {@code last_hidden_state} f32 [1, tokens, dim]. */
    @Override
    public Map<String, Tensor> outputs(Weights weights, Map<String, Tensor> expected) {
        try (T5Encoder encoder = new T5Encoder(config, weights, Precision.F32, Placement.cpu())) {
            if (!expected.keySet().containsAll(Set.of("input_ids", "last_hidden_state"))) {
                return Map.of();
            }
            Tensor ids = expected.get("input_ids").reshape(-1).contiguous();
            long[] tokens = new long[(int) ids.numel()];
            new LongPointer(ids.data_ptr_long()).get(tokens);
            float[] states = encoder.forward(tokens);
            return Map.of("last_hidden_state", Tensors.of(states, 1, tokens.length, config.dim()));
        }
    }

    /** The decoder, and the embedding where the checkpoint has it twice. */
    @Override
    public Set<String> knownUnused(Weights weights) {
        return weights.names().stream()
                .filter(name -> name.startsWith("decoder.")
                        || name.equals("lm_head.weight")
                        || name.equals("encoder.embed_tokens.weight"))
                .collect(Collectors.toSet());
    }

    /**
     * Reads the encoder's weights and the tokenizer beside them; the decoder is left alone.
     *
     * @param precision of the matrix products
     * @return an encoder that the caller closes
     * @throws IOException in one line, if a file is missing, damaged or does not fit its configuration
     */
    public TextEncoder load(Precision precision, Placement placement) throws IOException {
        Path folder = files.folder();
        T5Tokenizer tokenizer = T5Tokenizer.open(folder.resolve("tokenizer.json"), config);
        try {
            return files.build(
                    weights -> new TextEncoder(tokenizer, new T5Encoder(config, weights, precision, placement)));
        } catch (IOException | RuntimeException | Error e) {
            tokenizer.close();
            throw e;
        }
    }
}
