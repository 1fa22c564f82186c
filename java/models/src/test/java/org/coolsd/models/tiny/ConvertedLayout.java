package org.coolsd.models.tiny;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.coolsd.libtorch.TensorFiles;

/** A LlamaGen GPT in the layout of LANTERN's conversions: other names, and queries, keys and values apart. */
public final class ConvertedLayout {
    private ConvertedLayout() {}

    /** Tensors of the official layout, renamed and split. */
    public static Map<String, Tensor> tensors(Map<String, Tensor> official) {
        Map<String, Tensor> converted = new LinkedHashMap<>();
        official.forEach((name, tensor) -> {
            if (name.endsWith("attention.wqkv.weight")) {
                String at = "model." + name.replace("attention.wqkv.weight", "self_attn.");
                long dim = tensor.size(1);
                converted.put(at + "q_proj.weight", tensor.narrow(0, 0, dim));
                converted.put(at + "k_proj.weight", tensor.narrow(0, dim, dim));
                converted.put(at + "v_proj.weight", tensor.narrow(0, 2 * dim, dim));
            } else {
                converted.put(name(name), tensor);
            }
        });
        return converted;
    }

    private static String name(String official) {
        if (official.equals("output.weight")) {
            return "lm_head.weight";
        }
        return "model."
                + official.replace("tok_embeddings", "embed_tokens")
                        .replace("attention.wo.", "self_attn.o_proj.")
                        .replace("feed_forward.w1.", "mlp.gate_proj.")
                        .replace("feed_forward.w3.", "mlp.up_proj.")
                        .replace("feed_forward.w2.", "mlp.down_proj.")
                        .replace("attention_norm.", "input_layernorm.")
                        .replace("ffn_norm.", "post_attention_layernorm.");
    }

    /** Writes a fixture in this layout to {@code folder}, beside its expected outputs. */
    public static void write(Fixture fixture, Path folder) throws IOException {
        Files.createDirectories(folder);
        Map<String, Tensor> official = fixture.weights("model.pt").tensors();
        TensorFiles.write(folder.resolve("model.safetensors"), tensors(official), Map.of("format", "pt"));
        Files.copy(fixture.folder().resolve("expected.safetensors"), folder.resolve("expected.safetensors"));
        ObjectMapper json = new ObjectMapper();
        ObjectNode from = (ObjectNode)
                json.readTree(fixture.folder().resolve("config.json").toFile());
        ObjectNode to = json.createObjectNode();
        to.put("model_type", "llama");
        to.set("input_type", from.get("model_type"));
        to.set("hidden_size", from.get("dim"));
        to.set("num_hidden_layers", from.get("n_layer"));
        to.set("num_attention_heads", from.get("n_head"));
        to.set("num_key_value_heads", from.get("n_head"));
        to.put(
                "intermediate_size",
                official.get("layers.0.feed_forward.w1.weight").size(0));
        to.set("rms_norm_eps", from.get("norm_eps"));
        to.put("hidden_act", "silu");
        to.put("class_dropout_p", 0.1);
        for (String same :
                new String[] {"rope_base", "num_classes", "caption_dim", "vocab_size", "cls_token_num", "block_size"}) {
            to.set(same, from.get(same));
        }
        Files.writeString(folder.resolve("config.json"), to.toPrettyString());
    }
}
