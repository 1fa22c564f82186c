package org.coolsd.models.t5;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.pytorch.Tensor;
import org.coolsd.libtorch.PassScope;
import org.coolsd.libtorch.Precision;
import org.coolsd.libtorch.TensorFiles;
import org.coolsd.libtorch.Tensors;
import org.coolsd.models.CheckpointCheck;
import org.coolsd.models.Checkpoints;
import org.coolsd.models.Summary;
import org.coolsd.models.tiny.TinyT5;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** From a caption to what a model of images reads. */
class TextEncoderTest {
    @TempDir
    private Path folder;

    private TinyT5 tiny;

    @BeforeEach
    void make() throws IOException {
        tiny = TinyT5.make(folder, true);
    }

    private long[] tokens(String text) throws IOException {
        try (T5Tokenizer tokenizer = T5Tokenizer.open(folder.resolve("tokenizer.json"), tiny.config())) {
            return tokenizer.tokens(text);
        }
    }

    @Test
    void textsAreCutIntoPieces() throws Exception {
        assertThat(tokens("a blue, cars on the hill")).containsExactly(4, 5, 12, 6, 7, 9, 10, 11, 1);
        assertThat(tokens("")).containsExactly(1);
        assertThat(tokens("a zoo")).startsWith(4, 3).contains(2).endsWith(1);
    }

    @Test
    void longTextsEndAfter120Tokens() throws Exception {
        assertThat(tokens("car ".repeat(119))).hasSize(120);
        long[] cut = tokens("car ".repeat(500));
        assertThat(cut).hasSize(120).endsWith(6, 1);
        assertThat(Arrays.copyOf(cut, 119)).containsOnly(6);
    }

    @Test
    void captionsAreCleanedAndEncoded() throws Exception {
        double[] expected = new Definition(tiny).states(new long[] {4, 5, 6, 7, 9, 10, 11, 1});
        try (TextEncoder encoder = TextEncoder.open(folder, Precision.F32);
                PassScope scope = new PassScope()) {
            assertThat(encoder.width()).isEqualTo(12);
            EncodedText caption = encoder.encode(" A <b>BLUE</b> cars (on) the hill https://example.com/page");
            assertThat(caption.count()).isEqualTo(8);
            assertThat(caption.width()).isEqualTo(12);
            assertClose(values(caption.embeddings(), 8, 12), expected);
        }
    }

    @Test
    void rowsAreTheLastPositions() throws Exception {
        try (TextEncoder encoder = TextEncoder.open(folder, Precision.F32);
                PassScope scope = new PassScope()) {
            EncodedText caption = encoder.encode("a car");
            float[] rows = values(caption.embeddings(), 3, 12);
            float[] padded = values(caption.leftPadded(5), 5, 12);
            assertThat(Arrays.copyOf(padded, 24)).containsOnly(0);
            assertThat(Arrays.copyOfRange(padded, 24, 60)).isEqualTo(rows);
            assertThat(values(caption.mask(5), 5)).containsExactly(0, 0, 1, 1, 1);
            assertThat(values(caption.mask(3), 3)).containsOnly(1);
            assertThatThrownBy(() -> caption.leftPadded(2))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("the text has 3 tokens, the model reads 2; shorten it");
        }
    }

    /** Whoever wants the encoder of a published T5 has shards, of which the decoder's may be missing altogether. */
    @Test
    void shardsAndBothNamesOfTheEmbedding() throws Exception {
        float[] expected = encoded();
        Map<String, float[]> first = new LinkedHashMap<>();
        Map<String, float[]> second = new LinkedHashMap<>();
        tiny.weights().forEach((name, values) -> {
            if (!name.startsWith("decoder.") && !name.equals("lm_head.weight")) {
                (name.contains("block.1") ? second : first).put(name, values);
            }
        });
        first.put("encoder.embed_tokens.weight", first.get("shared.weight"));
        Files.delete(folder.resolve("model.safetensors"));
        String index = "{\"metadata\": {}, \"weight_map\": {" + shard("model-00001-of-00002.safetensors", first) + ", "
                + shard("model-00002-of-00002.safetensors", second) + "}}";
        Files.writeString(folder.resolve("model.safetensors.index.json"), index);
        assertThat(encoded()).isEqualTo(expected);
        first.remove("shared.weight");
        shard("model-00001-of-00002.safetensors", first);
        Files.writeString(
                folder.resolve("model.safetensors.index.json"),
                index.replace("\"shared.weight\": \"model-00001-of-00002.safetensors\", ", ""));
        assertThat(encoded()).isEqualTo(expected);
    }

    private String shard(String file, Map<String, float[]> weights) throws IOException {
        TinyT5.write(folder.resolve(file), tiny.config(), weights);
        return weights.keySet().stream()
                .map(name -> "\"" + name + "\": \"" + file + "\"")
                .collect(Collectors.joining(", "));
    }

    @Test
    void safetensorsArePreferred() throws Exception {
        Files.copy(folder.resolve("model.safetensors"), folder.resolve("a.bin"));
        assertThat(TextEncoder.find(folder).files().weightsFile()).hasFileName("model.safetensors");
        Files.delete(folder.resolve("model.safetensors"));
        assertThat(TextEncoder.find(folder).files().weightsFile()).hasFileName("a.bin");
        assertThat(encoded()).hasSize(24);
    }

    private float[] encoded() throws IOException {
        try (TextEncoder encoder = TextEncoder.open(folder, Precision.F32);
                PassScope scope = new PassScope()) {
            return values(encoder.encode("hill").embeddings(), 2, 12);
        }
    }

    @Test
    void memoryIsThatOfTheEncoder() throws Exception {
        Summary summary = TextEncoder.find(folder).summary();
        // An embedding and biases; per layer four matrices of attention, three of the feed-forward, two norms; a norm.
        long matrices = 2 * (4 * 8 * 12 + 3 * 10 * 12);
        long others = 20 * 12 + 8 * 2 + 2 * 2 * 12 + 12;
        assertThat(summary.parameters()).isEqualTo(matrices + others);
        assertThat(summary.memory())
                .containsEntry(Precision.F32, 4 * (matrices + others))
                .containsEntry(Precision.BF16, 2 * matrices + 4 * others);
    }

    @Test
    void theCheckFindsWhatIsWrong() throws Exception {
        long[] tokens = {4, 5, 6, 1};
        double[] states = new Definition(tiny).states(tokens);
        float[] expected = new float[states.length];
        for (int i = 0; i < expected.length; i++) {
            expected[i] = (float) states[i];
        }
        try (PassScope scope = new PassScope()) {
            Map<String, Tensor> entries =
                    Map.of("input_ids", Tensors.of(tokens, 1, 4), "last_hidden_state", Tensors.of(expected, 1, 4, 12));
            TensorFiles.write(folder.resolve(CheckpointCheck.EXPECTED), entries, Map.of());
        }
        CheckpointCheck check = check();
        assertThat(check.passed()).as("%s", check).isTrue();
        assertThat(check.errors()).containsOnlyKeys("last_hidden_state");
        assertThat(check.unused()).hasSize(3).contains("lm_head.weight");
        for (String name : List.of("shared.weight", "encoder.block.1.layer.1.DenseReluDense.wi_0.weight")) {
            Map<String, float[]> altered = new LinkedHashMap<>(tiny.weights());
            float[] values = altered.get(name).clone();
            for (int i = 0; i < values.length; i++) {
                values[i] += 0.01f;
            }
            altered.put(name, values);
            TinyT5.write(folder.resolve("model.safetensors"), tiny.config(), altered);
            assertThat(check().passed()).as(name).isFalse();
        }
    }

    private CheckpointCheck check() throws IOException {
        return CheckpointCheck.of(Checkpoints.find(folder)).values().iterator().next();
    }

    /** DJL would report its start to its makers, and fetch a library for a GPU; both are switched off before it starts. */
    @Test
    void nothingIsSentOrFetched() throws Exception {
        tokens("car");
        assertThat(System.getProperty("OPT_OUT_TRACKING")).isEqualTo("true");
        assertThat(System.getProperty("RUST_FLAVOR")).isEqualTo("cpu");
        assertThat(Path.of(System.getProperty("ENGINE_CACHE_DIR")))
                .isEqualTo(Loader.getCacheDir().toPath());
        assertThat(Files.isDirectory(Loader.getCacheDir().toPath().resolve("tokenizers")))
                .isTrue();
    }

    @Test
    void whatIsWrongIsSaidInOneLine() throws Exception {
        Path tokenizer = folder.resolve("tokenizer.json");
        String json = Files.readString(tokenizer);
        Files.writeString(tokenizer, json.replace("\"ids\": [1]", "\"ids\": [2]"));
        assertRefused("tokenizer.json: does not end texts with token 1, the eos_token_id of config.json");
        Files.writeString(tokenizer, json.substring(0, json.length() / 2));
        assertRefused("tokenizer.json: no tokenizer: ");
        Files.delete(tokenizer);
        assertRefused("tokenizer.json: no such file; download tokenizer.json from where the weights are");
        Files.writeString(tokenizer, json);
        Map<String, float[]> without = new LinkedHashMap<>(tiny.weights());
        without.remove("encoder.block.1.layer.0.SelfAttention.k.weight");
        TinyT5.write(folder.resolve("model.safetensors"), tiny.config(), without);
        assertRefused(
                "model.safetensors: the checkpoint has no tensor 'encoder.block.1.layer.0.SelfAttention.k.weight'");
        String config = Files.readString(folder.resolve("config.json"));
        refuse(
                config,
                "\"gated-gelu\"",
                "\"gated-silu\"",
                "feed_forward_proj is 'gated-silu'; only gated-gelu and relu");
        refuse(config, "\"eos_token_id\": 1", "\"eos_token_id\": 20", "eos_token_id is 20; it must be 0..19");
        refuse(config, "\"num_heads\": 2,", "", "num_heads is missing or not above 0");
        refuse(
                config,
                "_buckets\": 8",
                "_buckets\": 6",
                "relative_attention_num_buckets is 6; it must be a multiple of 4");
        refuse(config, "\"t5\"", "\"umt5\"", "model_type is 'umt5', none of the models that are read");
        refuse(config, "\"eos", "\"dense_act_fn\": \"silu\", \"eos", "dense_act_fn is 'silu'; with feed_forward_proj");
    }

    private void refuse(String config, String part, String by, String message) throws IOException {
        String changed = config.replace(part, by);
        assertThat(changed).isNotEqualTo(config);
        Files.writeString(folder.resolve("config.json"), changed);
        assertRefused("config.json: " + message);
    }

    private void assertRefused(String message) {
        assertThatThrownBy(() -> TextEncoder.open(folder, Precision.F32))
                .isInstanceOf(IOException.class)
                .hasMessageContaining(message)
                .message()
                .doesNotContain("\n");
    }

    private static float[] values(Tensor tensor, long... shape) {
        assertThat(tensor.shape()).isEqualTo(shape);
        float[] values = new float[(int) tensor.numel()];
        tensor.data_ptr_float().get(values);
        return values;
    }

    private static void assertClose(float[] actual, double[] expected) {
        assertThat(actual).hasSameSizeAs(expected);
        for (int i = 0; i < actual.length; i++) {
            assertThat((double) actual[i]).as("number " + i).isCloseTo(expected[i], within(2e-5));
        }
    }
}
