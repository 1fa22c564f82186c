package org.coolsd.models.memory;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.coolsd.checkpoint.made.TorchFile;
import org.coolsd.models.llamagen.LlamaGen;
import org.coolsd.models.llamagen.LlamaGenConfig;

/**
 * A checkpoint of as many layers as are wanted, all zeros: its files are holes, which take no place on the disk and are read
 * like any other bytes.
 *
 * @param shapes of its tensors, by name
 * @param config its configuration
 */
record LargeCheckpoint(Map<String, long[]> shapes, String config) {
    /** A LlamaGen of width 1536. */
    static LargeCheckpoint llamaGen(int layers) {
        int dim = 1536;
        int vocabulary = 16384;
        return new LargeCheckpoint(
                LlamaGen.shapes(new LlamaGenConfig(dim, layers, 24, 256, 10000, 1e-5, 1000, vocabulary, 1, 256)),
                """
                {"dim": %d, "n_layer": %d, "n_head": 24, "multiple_of": 256, "rope_base": 10000, "norm_eps": 1e-5,
                 "num_classes": 1000, "vocab_size": %d, "cls_token_num": 1, "block_size": 256, "model_type": "c2i"}
                """
                        .formatted(dim, layers, vocabulary));
    }

    /** A Chameleon of the layers of the 7B model, and of a vocabulary little larger than its codes. */
    static LargeCheckpoint chameleon(int layers) {
        long dim = 4096;
        long feedForward = 11008;
        long vocabulary = 9000;
        Map<String, long[]> shapes = new LinkedHashMap<>();
        shapes.put("model.embed_tokens.weight", new long[] {vocabulary, dim});
        for (int i = 0; i < layers; i++) {
            String at = "model.layers." + i + ".";
            for (String name : new String[] {"q", "k", "v", "o"}) {
                shapes.put(at + "self_attn." + name + "_proj.weight", new long[] {dim, dim});
            }
            for (String name : new String[] {"q_norm.weight", "q_norm.bias", "k_norm.weight", "k_norm.bias"}) {
                shapes.put(at + "self_attn." + name, new long[] {32, 128});
            }
            shapes.put(at + "mlp.gate_proj.weight", new long[] {feedForward, dim});
            shapes.put(at + "mlp.up_proj.weight", new long[] {feedForward, dim});
            shapes.put(at + "mlp.down_proj.weight", new long[] {dim, feedForward});
            shapes.put(at + "input_layernorm.weight", new long[] {dim});
            shapes.put(at + "post_attention_layernorm.weight", new long[] {dim});
        }
        shapes.put("model.norm.weight", new long[] {dim});
        shapes.put("lm_head.weight", new long[] {vocabulary, dim});
        return new LargeCheckpoint(
                shapes,
                """
                {"model_type": "chameleon", "hidden_size": %d, "intermediate_size": %d, "num_hidden_layers": %d,
                 "num_attention_heads": 32, "rms_norm_eps": 1e-5, "max_position_embeddings": 4096, "vocab_size": %d}
                """
                        .formatted(dim, feedForward, layers, vocabulary));
    }

    private static long elements(long[] shape) {
        long n = 1;
        for (long d : shape) {
            n *= d;
        }
        return n;
    }

    /** Elements of all tensors. */
    long parameters() {
        return shapes.values().stream().mapToLong(LargeCheckpoint::elements).sum();
    }

    private Path configured(Path folder) throws IOException {
        Files.writeString(folder.resolve("config.json"), config);
        return folder;
    }

    /** As bf16, in two shards of safetensors with their index. */
    Path writeShards(Path folder) throws IOException {
        List<String> names = new ArrayList<>(shapes.keySet());
        StringBuilder index = new StringBuilder("{\"weight_map\": {");
        for (int shard = 0; shard < 2; shard++) {
            String file = "model-0000" + (shard + 1) + "-of-00002.safetensors";
            List<String> its = names.subList(shard * names.size() / 2, (shard + 1) * names.size() / 2);
            StringBuilder header = new StringBuilder("{");
            long at = 0;
            for (String name : its) {
                long[] shape = shapes.get(name);
                long end = at + 2 * elements(shape);
                header.append("\"%s\": {\"dtype\": \"BF16\", \"shape\": %s, \"data_offsets\": [%d, %d]},"
                        .formatted(name, java.util.Arrays.toString(shape), at, end));
                index.append("\"%s\": \"%s\",".formatted(name, file));
                at = end;
            }
            byte[] json = header.append("\"__metadata__\": {}}").toString().getBytes(StandardCharsets.UTF_8);
            try (RandomAccessFile out =
                    new RandomAccessFile(folder.resolve(file).toFile(), "rw")) {
                out.write(ByteBuffer.allocate(8)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putLong(json.length)
                        .array());
                out.write(json);
                out.setLength(8 + json.length + at);
            }
        }
        index.setLength(index.length() - 1);
        Files.writeString(folder.resolve("model.safetensors.index.json"), index + "}}");
        return configured(folder);
    }

    /** As f32, in an archive of torch. */
    Path writeArchive(Path folder) throws IOException {
        TorchFile file = new TorchFile();
        Map<String, Object> model = new LinkedHashMap<>();
        shapes.forEach((name, shape) -> {
            model.put(name, TorchFile.tensor(name, shape));
            file.sparse("data/" + name, 4 * elements(shape), new byte[0], new byte[0]);
        });
        file.pickle(Map.of("model", model)).write(folder.resolve("c2i.pt"));
        return configured(folder);
    }
}
