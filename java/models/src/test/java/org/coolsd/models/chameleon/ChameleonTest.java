package org.coolsd.models.chameleon;

import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.coolsd.models.tiny.Fixture.assertClose;

import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.coolsd.decode.Window;
import org.coolsd.libtorch.KvCache;
import org.coolsd.libtorch.LibTorch;
import org.coolsd.libtorch.PassScope;
import org.coolsd.libtorch.Placement;
import org.coolsd.libtorch.Precision;
import org.coolsd.libtorch.TensorFiles;
import org.coolsd.libtorch.Tensors;
import org.coolsd.libtorch.Weights;
import org.coolsd.models.decoder.DecoderForward;
import org.coolsd.models.decoder.DecoderPass;
import org.coolsd.models.decoder.Prefix;
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

    /** Keys and norms that heads share, in passes of the decoding loop. */
    @Test
    void passesShareThemToo() throws Exception {
        ChameleonConfig config = config(2, 2, false);
        Map<String, Tensor> weights = new LinkedHashMap<>(official());
        for (String name : weights.keySet()) {
            if (name.contains("k_proj") || name.contains("v_proj")) {
                weights.put(name, weights.get(name).narrow(0, 0, 32));
            } else if (name.contains("q_norm") || name.contains("k_norm")) {
                weights.put(name, weights.get(name).narrow(0, 0, 1).repeat(2, 1).add(noise()));
            }
        }
        Tensor expected = logits(config, weights).select(0, 0).narrow(1, 4, 64);
        Tensor tokens = Fixture.open("chameleon")
                .expected()
                .get("tokens")
                .to(ScalarType.Long)
                .contiguous();
        long[] ids = new long[(int) tokens.size(1)];
        new LongPointer(tokens.data_ptr()).get(ids);
        DecoderForward forward = ChameleonTensors.forward(
                config, new Weights(weights), new Window(4, 68), Precision.F32, Placement.cpu());
        try (DecoderPass pass = forward.newPass(ids.length);
                KvCache cache = forward.newCache(1)) {
            for (int n : new int[] {6, 1, ids.length - 7}) {
                int from = cache.length();
                pass.begin();
                pass.add(cache, new Prefix[] {Prefix.of(ids)}, 0, new int[0], n);
                try (PassScope scope = new PassScope()) {
                    pass.run();
                    assertClose(pass.logits().narrow(0, 0, n), expected.narrow(0, from, n));
                }
            }
        }
        forward.close();
    }

    /** So that no two rows are alike. */
    private static Tensor noise() {
        return Tensors.normal(2, 16);
    }
}
