package org.coolsd.models.llamagen;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.coolsd.checkpoint.CheckpointException;
import org.coolsd.checkpoint.TensorData;
import org.coolsd.models.CheckpointFiles;
import org.jspecify.annotations.Nullable;

/**
 * The configuration of a GPT from its file: what shapes tell, from them; the number of heads, which none tells, from
 * config.json or the table of published sizes; the image's side from config.json or the file's name. What config.json says of
 * the rest must be what the tensors are.
 */
final class LlamaGenSizes {
    /** Pixels of a token's side: those of the tokenizer that all published models were trained with. */
    private static final int PIXELS = 16;

    /** A side in a file's name, as in c2i_L_384.pt or t2i_XL_stage2_512.pt. */
    private static final Pattern SIDE = Pattern.compile("(?<!\\d)(256|384|512)(?!\\d)");

    /** A published size. */
    private record Size(String name, int layers, int dim, int heads) {}

    private static final List<Size> PUBLISHED = List.of(
            new Size("B", 12, 768, 12),
            new Size("L", 24, 1024, 16),
            new Size("XL", 36, 1280, 20),
            new Size("XXL", 48, 1536, 24),
            new Size("XXXL", 48, 2560, 40),
            new Size("1B", 22, 2048, 32),
            new Size("3B", 24, 3200, 32),
            new Size("7B", 32, 4096, 32));

    private final CheckpointFiles files;
    private final Map<String, TensorData> stored;
    private final JsonNode config;
    private final boolean converted;

    private LlamaGenSizes(CheckpointFiles files) throws IOException {
        this.files = files;
        stored = files.stored();
        converted = stored.containsKey(LlamaGenTensors.CONVERTED);
        // A folder's one config.json may be that of the tokenizer beside the model.
        boolean mine = files.config().has("n_layer")
                || files.config().has("num_hidden_layers")
                || files.config().has("block_size");
        config = mine ? files.config() : MissingNode.getInstance();
    }

    /** The name of a published size, or its layers and width. */
    static String name(LlamaGenConfig config) {
        for (Size size : PUBLISHED) {
            if (size.layers == config.layers() && size.dim == config.dim()) {
                return "LlamaGen-" + size.name;
            }
        }
        return config.layers() + " layers of width " + config.dim();
    }

    /**
     * The configuration of the GPT in {@code files}.
     *
     * @throws CheckpointException in one line, if it cannot be told, or config.json says otherwise
     */
    static LlamaGenConfig of(CheckpointFiles files) throws IOException {
        return new LlamaGenSizes(files).read();
    }

    private LlamaGenConfig read() throws IOException {
        String outer = converted ? "model." : "";
        boolean captions = stored.containsKey(outer + "cls_embedding.cap_proj.fc1.weight");
        int dim = agreed("dim", "hidden_size", size(outer + "norm.weight", 1, 0));
        int layers = agreed("n_layer", "num_hidden_layers", layers(outer));
        String head = converted ? "lm_head.weight" : "output.weight";
        int vocab = agreed("vocab_size", "vocab_size", size(head, 2, 0));
        String gate = converted ? "model.layers.0.mlp.gate_proj.weight" : "layers.0.feed_forward.w1.weight";
        int feedForward = agreed(null, "intermediate_size", size(gate, 2, 0));
        int classes = 0;
        int conditions = 1;
        int captionDim = 0;
        if (captions) {
            captionDim = agreed("caption_dim", "caption_dim", size(outer + "cls_embedding.cap_proj.fc1.weight", 2, 1));
            conditions = agreed("cls_token_num", "cls_token_num", size(outer + "cls_embedding.uncond_embedding", 2, 0));
        } else {
            int table = size(outer + "cls_embedding.embedding_table.weight", 2, 0);
            classes = agreed("num_classes", "num_classes", table - 1);
            conditions = agreed("cls_token_num", "cls_token_num", 1);
        }
        refuse(captions);
        try {
            return new LlamaGenConfig(
                    dim,
                    layers,
                    heads(layers, dim),
                    feedForward,
                    config.path("rope_base").asDouble(10000),
                    epsilon(),
                    classes,
                    vocab,
                    conditions,
                    blockSize(),
                    captionDim);
        } catch (IllegalArgumentException e) {
            throw new CheckpointException(
                    config.isMissingNode() ? files.weightsFile() : files.configFile(), e.getMessage(), e);
        }
    }

    /** Of the official layout 1e-5; LANTERN's configurations say it, or leave it to Hugging Face's Llama: 1e-6. */
    private double epsilon() {
        return converted
                ? config.path("rms_norm_eps").asDouble(1e-6)
                : config.path("norm_eps").asDouble(1e-5);
    }

    /** What a configuration may say that no published model has. */
    private void refuse(boolean captions) throws CheckpointException {
        String kind = config.path(converted ? "input_type" : "model_type").asText("");
        boolean published = kind.equals("c2i") || kind.equals("t2i");
        if (published && kind.equals("t2i") != captions) {
            throw refusal((converted ? "input_type" : "model_type") + " is '" + kind
                    + "', the file's tensors are those of " + (captions ? "t2i" : "c2i"));
        }
        if (!kind.isEmpty() && !published) {
            throw refusal((converted ? "input_type" : "model_type") + " is '" + kind
                    + "'; models are made for classes (c2i) or captions (t2i)");
        }
        JsonNode keyHeads = config.path(converted ? "num_key_value_heads" : "n_kv_head");
        JsonNode heads = config.path(converted ? "num_attention_heads" : "n_head");
        if (keyHeads.isNumber() && heads.isNumber() && keyHeads.asInt() != heads.asInt()) {
            throw refusal((converted ? "num_key_value_heads" : "n_kv_head") + " is " + keyHeads + " and "
                    + (converted ? "num_attention_heads" : "n_head") + " " + heads
                    + "; grouped-query attention is not read");
        }
        if (config.path("attention_bias").asBoolean(false)) {
            throw refusal("attention_bias is true; only models without biases are read");
        }
        String activation = config.path("hidden_act").asText("silu");
        if (!activation.equals("silu")) {
            throw refusal("hidden_act is '" + activation + "'; only silu is read");
        }
    }

    private CheckpointException refusal(String message) {
        return new CheckpointException(files.configFile(), message);
    }

    private int heads(int layers, int dim) throws CheckpointException {
        JsonNode said = config.path(converted ? "num_attention_heads" : "n_head");
        if (!said.isMissingNode()) {
            if (!said.canConvertToInt() || said.asInt() < 1) {
                throw refusal((converted ? "num_attention_heads" : "n_head") + " is " + said
                        + ", it must be a number above 0");
            }
            return said.asInt();
        }
        for (Size size : PUBLISHED) {
            if (size.layers == layers && size.dim == dim) {
                return size.heads;
            }
        }
        throw new CheckpointException(
                files.weightsFile(),
                layers + " layers of width " + dim
                        + " are no published size (B, L, XL, XXL, XXXL, 1B, 3B, 7B), and no tensor"
                        + " tells the number of heads; put a config.json with n_head beside it");
    }

    private int blockSize() throws CheckpointException {
        JsonNode said = config.path("block_size");
        if (!said.isMissingNode()) {
            if (!said.canConvertToInt() || said.asInt() < 1) {
                throw refusal("block_size is " + said + ", it must be a number above 0");
            }
            return said.asInt();
        }
        String name = String.valueOf(files.weightsFile().getFileName());
        Matcher side = SIDE.matcher(name);
        if (!side.find()) {
            throw new CheckpointException(
                    files.weightsFile(),
                    "no tensor tells the size of its images; keep the published name, as in c2i_B_256.pt, or put a"
                            + " config.json with block_size beside it (256 for 256 pixels, 576 for 384, 1024 for 512)");
        }
        int grid = Integer.parseInt(side.group(1)) / PIXELS;
        return grid * grid;
    }

    private int layers(String outer) {
        int layers = 0;
        while (stored.containsKey(
                outer + "layers." + layers + (converted ? ".self_attn.q_proj.weight" : ".attention.wqkv.weight"))) {
            layers++;
        }
        return layers;
    }

    /** {@code actual}, which config.json must not contradict under either layout's name. */
    private int agreed(@Nullable String official, String converted, int actual) throws CheckpointException {
        String name = this.converted ? converted : official;
        JsonNode said = name == null ? config.path("") : config.path(name);
        if (said.isNumber() && (!said.canConvertToInt() || said.asInt() != actual)) {
            throw refusal(name + " is " + said + ", the tensors of "
                    + files.weightsFile().getFileName() + " have " + actual);
        }
        return actual;
    }

    private int size(String name, int dimensions, int at) throws CheckpointException {
        TensorData tensor = stored.get(name);
        if (tensor == null) {
            throw new CheckpointException(files.weightsFile(), "the checkpoint has no tensor '" + name + "'");
        }
        long[] shape = tensor.shape();
        if (shape.length != dimensions || shape[at] < 1 || shape[at] > Integer.MAX_VALUE / 4) {
            throw new CheckpointException(
                    files.weightsFile(),
                    "tensor '" + name + "' has shape " + Arrays.toString(shape) + ", which is none of a GPT");
        }
        return (int) shape[at];
    }
}
