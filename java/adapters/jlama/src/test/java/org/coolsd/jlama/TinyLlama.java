package org.coolsd.jlama;

import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.model.ModelSupport;
import com.github.tjake.jlama.safetensors.DType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.StringJoiner;

/**
 * Writes the checkpoint of a small Llama with random weights, as Jlama reads it: weights, configuration and a tokenizer of one
 * letter a token. Nothing is downloaded.
 *
 * @param vocab at most 26
 * @param sharpness scale of the head's weights: the larger, the less even are the laws
 */
record TinyLlama(int vocab, int layers, float sharpness, long seed) {
    static final int DIM = 64;
    static final int HIDDEN = 128;

    /** Writes the files into {@code folder} and has Jlama load them. */
    AbstractModel load(Path folder) throws IOException {
        Files.createDirectories(folder);
        Files.writeString(folder.resolve("config.json"), configuration());
        Files.writeString(folder.resolve("tokenizer.json"), tokenizer());
        Files.write(folder.resolve("model.safetensors"), weights());
        return ModelSupport.loadModel(folder.toFile(), DType.F32, DType.F32);
    }

    private String configuration() {
        return """
                {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "max_position_embeddings": 512,
                 "hidden_size": %d, "intermediate_size": %d, "num_attention_heads": 4, "num_key_value_heads": 4,
                 "num_hidden_layers": %d, "rms_norm_eps": 1e-5, "vocab_size": %d, "bos_token_id": 0, "eos_token_id": -1,
                 "hidden_act": "silu", "rope_theta": 10000.0}
                """
                .formatted(DIM, HIDDEN, layers, vocab);
    }

    private String tokenizer() {
        StringJoiner tokens = new StringJoiner(", ");
        for (int v = 0; v < vocab; v++) {
            tokens.add("\"" + (char) ('a' + v) + "\": " + v);
        }
        return "{\"model\": {\"type\": \"BPE\", \"vocab\": {" + tokens + "}, \"merges\": []}}";
    }

    private byte[] weights() {
        Map<String, int[]> shapes = new LinkedHashMap<>();
        shapes.put("model.embed_tokens.weight", new int[] {vocab, DIM});
        for (int layer = 0; layer < layers; layer++) {
            String base = "model.layers." + layer + ".";
            for (String projection : new String[] {"q", "k", "v", "o"}) {
                shapes.put(base + "self_attn." + projection + "_proj.weight", new int[] {DIM, DIM});
            }
            shapes.put(base + "mlp.gate_proj.weight", new int[] {HIDDEN, DIM});
            shapes.put(base + "mlp.up_proj.weight", new int[] {HIDDEN, DIM});
            shapes.put(base + "mlp.down_proj.weight", new int[] {DIM, HIDDEN});
            shapes.put(base + "input_layernorm.weight", new int[] {DIM});
            shapes.put(base + "post_attention_layernorm.weight", new int[] {DIM});
        }
        shapes.put("model.norm.weight", new int[] {DIM});
        shapes.put("lm_head.weight", new int[] {vocab, DIM});
        StringJoiner header = new StringJoiner(", ", "{", "}");
        int bytes = 0;
        for (Map.Entry<String, int[]> tensor : shapes.entrySet()) {
            int end = bytes + 4 * size(tensor.getValue());
            header.add("\"%s\": {\"dtype\": \"F32\", \"shape\": %s, \"data_offsets\": [%d, %d]}"
                    .formatted(tensor.getKey(), java.util.Arrays.toString(tensor.getValue()), bytes, end));
            bytes = end;
        }
        String text = header.toString();
        byte[] padded = (text + " ".repeat(-text.length() & 7)).getBytes(StandardCharsets.US_ASCII);
        ByteBuffer file = ByteBuffer.allocate(8 + padded.length + bytes).order(ByteOrder.LITTLE_ENDIAN);
        file.putLong(padded.length).put(padded);
        SplittableRandom random = new SplittableRandom(seed);
        shapes.forEach((name, shape) -> {
            float scale = name.startsWith("lm_head") ? sharpness / 8 : shape.length == 1 ? 0 : 0.15f;
            for (int i = 0; i < size(shape); i++) {
                file.putFloat(shape.length == 1 ? 1 : scale * (float) random.nextGaussian());
            }
        });
        return file.array();
    }

    private static int size(int[] shape) {
        return shape.length == 1 ? shape[0] : shape[0] * shape[1];
    }
}
