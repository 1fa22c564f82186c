package org.coolsd.models.tiny;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.coolsd.libtorch.TensorFiles;

/** A drafter in the form of LANTERN's for Anole and Lumina-mGPT, with random weights, for the tiny official Chameleon decoder. */
public final class TinyChameleonDrafter {
    private static final int DIM = 64;
    private static final int HEADS = 4;
    private static final int FEED_FORWARD = 160;
    private static final int VOCABULARY = 512;

    private TinyChameleonDrafter() {}

    /** The tensors of {@code cnets_anole.py}'s Model: norms of queries and keys have a row for each head. */
    public static Map<String, Tensor> tensors() {
        return tensors(HEADS);
    }

    /**
     * The same, or those of {@code cnets_lumina_mgpt.py}.
     *
     * @param normRows rows of the norms of queries and keys: 1 for Lumina-mGPT, whose heads share them
     */
    public static Map<String, Tensor> tensors(int normRows) {
        torch.manual_seed(11);
        Map<String, Tensor> w = new LinkedHashMap<>();
        w.put("embed_tokens.weight", torch.randn(VOCABULARY, DIM));
        for (String name : new String[] {"q", "k"}) {
            w.put("layers.0.self_attn." + name + "_norm.weight", random(1, 0.2, normRows, DIM / HEADS));
            w.put("layers.0.self_attn." + name + "_norm.bias", random(0, 0.2, normRows, DIM / HEADS));
        }
        for (String name : new String[] {"q", "k", "v", "o"}) {
            w.put("layers.0.self_attn." + name + "_proj.weight", random(0, 0.1, DIM, DIM));
        }
        w.put("layers.0.mlp.gate_proj.weight", random(0, 0.1, FEED_FORWARD, DIM));
        w.put("layers.0.mlp.up_proj.weight", random(0, 0.1, FEED_FORWARD, DIM));
        w.put("layers.0.mlp.down_proj.weight", random(0, 0.1, DIM, FEED_FORWARD));
        w.put("layers.0.input_layernorm.weight", random(1, 0.2, DIM));
        w.put("layers.0.post_attention_layernorm.weight", random(1, 0.2, DIM));
        w.put("fc.weight", random(0, 0.1, DIM, 2 * DIM));
        w.put("fc.bias", random(0, 0.1, DIM));
        return w;
    }

    private static Tensor random(double mean, double deviation, long... shape) {
        return torch.randn(shape).mul(new Scalar(deviation)).add(new Scalar(mean));
    }

    /** Writes {@code tensors} and the configuration that LANTERN has for them: the target's, of one layer. */
    public static Path write(Path folder, Map<String, Tensor> tensors) throws IOException {
        Files.createDirectories(folder);
        TensorFiles.write(folder.resolve("model.safetensors"), tensors, Map.of("format", "pt"));
        Path official = Path.of("../checkpoint/src/test/resources/fixtures/chameleon/config.json");
        String config = Files.readString(official).replace("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1");
        Files.writeString(folder.resolve("config.json"), config);
        return folder;
    }
}
