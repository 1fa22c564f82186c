package org.coolsd.models.tiny;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.bytedeco.pytorch.Tensor;
import org.coolsd.libtorch.LibTorch;
import org.coolsd.libtorch.TensorFiles;
import org.coolsd.libtorch.Tensors;
import org.coolsd.models.t5.T5Config;

/**
 * A folder with a T5 of two layers and random weights, under the names of the published ones, decoder included, and with a
 * tokenizer of a few pieces. Numbers of any two kinds differ, and heads times head is not the width, so that none can stand
 * for another.
 *
 * @param folder where its files are
 * @param config what its config.json says
 * @param weights the values of each tensor, row after row
 */
public record TinyT5(Path folder, T5Config config, Map<String, float[]> weights) {
    /** Pieces by token, as in T5: padding, end, unknown; then words and parts of them. */
    private static final String[] PIECES = {
        "<pad>", "</s>", "<unk>", "▁", "▁a", "▁blue", "▁car", "s", "▁house", "▁on", "▁the", "▁hill", ",", "b", "l", "u",
        "e"
    };

    public static TinyT5 make(Path folder, boolean gated) throws IOException {
        return make(folder, gated, 12);
    }

    /** One whose embeddings have {@code width}. */
    public static TinyT5 make(Path folder, boolean gated, int width) throws IOException {
        LibTorch.load(1);
        T5Config config = new T5Config(20, width, 4, 10, 2, 2, 8, 6, 1e-6, gated, 1);
        Map<String, float[]> weights = weights(config, new Random(7));
        Files.writeString(folder.resolve("config.json"), json(config));
        Files.writeString(folder.resolve("tokenizer.json"), tokenizer());
        write(folder.resolve("model.safetensors"), config, weights);
        return new TinyT5(folder, config, weights);
    }

    public static void write(Path file, T5Config config, Map<String, float[]> weights) throws IOException {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        weights.forEach((name, values) -> tensors.put(name, tensor(name, values, config)));
        TensorFiles.write(file, tensors, Map.of("format", "pt"));
    }

    private static Tensor tensor(String name, float[] values, T5Config config) {
        if (name.endsWith("norm.weight")) {
            return Tensors.of(values, values.length);
        }
        long columns = name.endsWith("relative_attention_bias.weight")
                ? config.heads()
                : name.endsWith(".o.weight")
                        ? (long) config.heads() * config.headDim()
                        : name.endsWith(".wo.weight") ? config.feedForward() : config.dim();
        return Tensors.of(values, values.length / columns, columns);
    }

    private static Map<String, float[]> weights(T5Config c, Random random) {
        Map<String, float[]> all = new LinkedHashMap<>();
        int inner = c.heads() * c.headDim();
        all.put("shared.weight", values(random, c.vocabSize() * c.dim(), 1, 0));
        all.put(
                "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight",
                values(random, c.buckets() * c.heads(), 1, 0));
        for (int i = 0; i < c.layers(); i++) {
            String layer = "encoder.block." + i + ".layer.";
            for (String part : new String[] {"q", "k", "v", "o"}) {
                all.put(layer + "0.SelfAttention." + part + ".weight", values(random, inner * c.dim(), 0.4, 0));
            }
            all.put(layer + "0.layer_norm.weight", values(random, c.dim(), 0.2, 1));
            for (String part : c.gated() ? new String[] {"wi_0", "wi_1", "wo"} : new String[] {"wi", "wo"}) {
                all.put(
                        layer + "1.DenseReluDense." + part + ".weight",
                        values(random, c.feedForward() * c.dim(), 0.4, 0));
            }
            all.put(layer + "1.layer_norm.weight", values(random, c.dim(), 0.2, 1));
        }
        all.put("encoder.final_layer_norm.weight", values(random, c.dim(), 0.2, 1));
        // What else a published file holds: of other shapes, so that reading it would be refused.
        all.put("decoder.block.0.layer.0.SelfAttention.q.weight", values(random, 2 * c.dim(), 1, 0));
        all.put("decoder.final_layer_norm.weight", values(random, 3, 1, 0));
        all.put("lm_head.weight", values(random, 2 * c.dim(), 1, 0));
        return all;
    }

    private static float[] values(Random random, int size, double deviation, double mean) {
        float[] values = new float[size];
        for (int i = 0; i < size; i++) {
            values[i] = (float) (mean + deviation * random.nextGaussian());
        }
        return values;
    }

    private static String json(T5Config c) {
        return """
                {"architectures": ["T5ForConditionalGeneration"], "model_type": "t5", "vocab_size": %d, "d_model": %d,
                 "d_kv": %d, "d_ff": %d, "num_layers": %d, "num_decoder_layers": 1, "num_heads": %d,
                 "relative_attention_num_buckets": %d, "relative_attention_max_distance": %d,
                 "layer_norm_epsilon": 1e-06, "feed_forward_proj": "%s", "eos_token_id": 1, "pad_token_id": 0}"""
                .formatted(
                        c.vocabSize(),
                        c.dim(),
                        c.headDim(),
                        c.feedForward(),
                        c.layers(),
                        c.heads(),
                        c.buckets(),
                        c.maxDistance(),
                        c.gated() ? "gated-gelu" : "relu");
    }

    private static String tokenizer() {
        StringBuilder pieces = new StringBuilder();
        for (int i = 0; i < PIECES.length; i++) {
            // Longer pieces are likelier than their parts.
            double score = i < 3 ? 0 : -6 + PIECES[i].length() * 0.5;
            pieces.append(i == 0 ? "" : ", ").append("[\"" + PIECES[i] + "\", " + score + "]");
        }
        return """
                {"version": "1.0", "truncation": null, "padding": null, "normalizer": null,
                 "added_tokens": [%s, %s, %s],
                 "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"},
                   {"type": "Metaspace", "replacement": "▁", "add_prefix_space": true}]},
                 "post_processor": {"type": "TemplateProcessing",
                   "single": [{"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "</s>", "type_id": 0}}],
                   "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "</s>", "type_id": 0}},
                     {"Sequence": {"id": "B", "type_id": 0}}, {"SpecialToken": {"id": "</s>", "type_id": 0}}],
                   "special_tokens": {"</s>": {"id": "</s>", "ids": [1], "tokens": ["</s>"]}}},
                 "decoder": {"type": "Metaspace", "replacement": "▁", "add_prefix_space": true},
                 "model": {"type": "Unigram", "unk_id": 2, "vocab": [%s]}}"""
                .formatted(added(0), added(1), added(2), pieces);
    }

    private static String added(int token) {
        return """
                {"id": %d, "content": "%s", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
                 "special": true}"""
                .formatted(token, PIECES[token]);
    }
}
