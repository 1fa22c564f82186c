package org.coolsd.models.chameleon;

import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.coolsd.models.tiny.Fixture.assertClose;

import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.coolsd.libtorch.LibTorch;
import org.coolsd.libtorch.TensorFiles;
import org.coolsd.libtorch.Tensors;
import org.coolsd.libtorch.Weights;
import org.coolsd.models.tiny.Fixture;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Decoders that the official tiny one is not: heads share keys, shards share norms, the head is the embedding. */
class ChameleonTest {
    private static final int HEADS = 4;

    @BeforeAll
    static void load() throws Exception {
        LibTorch.load(1);
    }

    private static ChameleonConfig config(int keyHeads, int shards, boolean tied) {
        return new ChameleonConfig(64, 160, 2, HEADS, keyHeads, shards, 1e-5, 10000, 4096, 512, tied);
    }

    private static Map<String, Tensor> official() throws Exception {
        Fixture fixture = Fixture.open("chameleon");
        return TensorFiles.read(fixture.folder().resolve("model.safetensors.index.json"), ScalarType.Float);
    }

    private static Tensor logits(ChameleonConfig config, Map<String, Tensor> weights) throws Exception {
        Chameleon model = new Chameleon(config, new Weights(weights));
        return model.logits(model.features(Fixture.open("chameleon").expected().get("tokens")));
    }

    private static Tensor repeated(Tensor rows, long times, long... shape) {
        return torch.repeat_interleave(rows.view(shape), times, new LongOptional(0), new LongOptional());
    }

    /** Two key heads for four heads are what four are, of which each pair is alike. */
    @Test
    void headsThatShareKeys() throws Exception {
        Map<String, Tensor> shared = new LinkedHashMap<>(official());
        Map<String, Tensor> apart = new LinkedHashMap<>(shared);
        for (String name : shared.keySet()) {
            if (name.contains("k_proj") || name.contains("v_proj")) {
                Tensor two = shared.get(name).narrow(0, 0, 32);
                shared.put(name, two);
                apart.put(name, repeated(two, 2, 2, 16, 64).view(64, 64));
            } else if (name.contains("k_norm")) {
                Tensor two = shared.get(name).narrow(0, 0, 1).repeat(2, 1).add(noise());
                shared.put(name, two);
                apart.put(name, repeated(two, 2, 2, 16));
            }
        }
        assertClose(logits(config(2, 1, false), shared), logits(config(HEADS, 1, false), apart));
    }

    /** As Meta's and Lumina-mGPT's files have the norms: a row for each shard that the model was trained in. */
    @Test
    void headsThatShareNorms() throws Exception {
        Map<String, Tensor> sharded = new LinkedHashMap<>(official());
        Map<String, Tensor> apart = new LinkedHashMap<>(sharded);
        for (String name : sharded.keySet()) {
            if (name.contains("q_norm") || name.contains("k_norm")) {
                Tensor two = sharded.get(name).narrow(0, 0, 1).repeat(2, 1).add(noise());
                sharded.put(name, two);
                apart.put(name, repeated(two, 2, 2, 16));
            }
        }
        assertClose(logits(config(HEADS, 2, false), sharded), logits(config(HEADS, 2, false), apart));
        assertThatThrownBy(() -> logits(config(HEADS, 1, false), sharded))
                .hasMessage(
                        "tensor 'model.layers.0.self_attn.q_norm.weight' has 2 rows; it must have one for each of 4 heads,"
                                + " or for each of the shards of which model_parallel_size says there are 1");
    }

    @Test
    void aHeadThatIsTheEmbedding() throws Exception {
        Map<String, Tensor> tied = new LinkedHashMap<>(official());
        Map<String, Tensor> apart = new LinkedHashMap<>(tied);
        tied.remove("lm_head.weight");
        apart.put("lm_head.weight", tied.get("model.embed_tokens.weight"));
        assertClose(logits(config(HEADS, 1, true), tied), logits(config(HEADS, 1, false), apart));
    }

    /** So that no two rows are alike. */
    private static Tensor noise() {
        return Tensors.normal(2, 16);
    }
}
