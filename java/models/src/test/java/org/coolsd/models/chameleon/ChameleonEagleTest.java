package org.coolsd.models.chameleon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.LongStream;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.coolsd.Sampling;
import org.coolsd.Schedule;
import org.coolsd.checkpoint.CheckpointException;
import org.coolsd.decode.DecoderOptions;
import org.coolsd.decode.DraftPolicy;
import org.coolsd.decode.Request;
import org.coolsd.libtorch.LibTorch;
import org.coolsd.libtorch.TensorFiles;
import org.coolsd.libtorch.Tensors;
import org.coolsd.libtorch.Weights;
import org.coolsd.models.CheckpointCheck;
import org.coolsd.models.Checkpoints;
import org.coolsd.models.DrafterComponent;
import org.coolsd.models.Prompt;
import org.coolsd.models.eagle.DraftRows;
import org.coolsd.models.tiny.TinyChameleonDrafter;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** LANTERN's drafters for Chameleon: read, checked, and drafting what their definition says, step by step. */
class ChameleonEagleTest {
    private static final int FIRST = 4;
    private static final int CODES = 64;

    @TempDir
    private static Path target;

    @TempDir
    private Path folder;

    private static LoadedChameleon model;
    private static Weights weights;
    private static Chameleon whole;

    @BeforeAll
    static void load() throws Exception {
        LibTorch.load(1);
        TinyChameleon.copy(target);
        model = TinyChameleon.load(target);
        ChameleonComponent component =
                (ChameleonComponent) Checkpoints.find(target).get(0);
        weights = component.files().keptWeights(ScalarType.Float);
        whole = new Chameleon(component.config(), weights);
    }

    @AfterAll
    static void close() {
        model.close();
        weights.close();
    }

    private static DrafterComponent find(Path folder) throws IOException {
        return (DrafterComponent) Checkpoints.find(folder).get(0);
    }

    /** Behind prompts of different length, over forced tokens, and behind steps that could not draft. */
    @ParameterizedTest
    @ValueSource(ints = {1, 4})
    void draftLogitsAreThoseOfTheDefinition(int normRows) throws Exception {
        Map<String, Tensor> tensors = TinyChameleonDrafter.tensors(normRows);
        LanternDrafter lantern = new LanternDrafter(tensors);
        DraftRows.Whole<ChameleonPrompt> both = new DraftRows.Whole<>() {
            private long[] prompt(ChameleonPrompt prompt, boolean conditional) {
                return Arrays.stream(conditional ? prompt.tokens() : prompt.unconditional())
                        .asLongStream()
                        .toArray();
            }

            @Override
            public long[] prefix(ChameleonPrompt prompt, boolean conditional) {
                return LongStream.of(prompt(prompt, conditional)).skip(1).toArray();
            }

            @Override
            public long row(int token) {
                return FIRST + token;
            }

            @Override
            public Tensor features(ChameleonPrompt prompt, boolean conditional, long[] tokens) {
                long[] all = LongStream.concat(
                                LongStream.of(prompt(prompt, conditional)),
                                LongStream.of(tokens).map(token -> FIRST + token))
                        .toArray();
                return whole.features(Tensors.of(all, 1, all.length));
            }

            @Override
            public Tensor logits(Tensor features) {
                return whole.logits(features).narrow(-1, FIRST, CODES);
            }

            @Override
            public Tensor predicted(ChameleonPrompt prompt, Tensor rows, Tensor features) {
                return lantern.features(rows, features);
            }
        };
        var drafter = model.eagle(find(TinyChameleonDrafter.write(folder, tensors)));
        List<Request<ChameleonPrompt>> requests = new ArrayList<>();
        for (String words : List.of("a red cat", "an image of another length", "")) {
            ChameleonPrompt prompt = model.condition(new Prompt.Text(words, 96, 64));
            requests.add(Request.of(prompt, words.length(), Sampling.of().guidance(2), model.length(prompt)));
        }
        DecoderOptions options = DecoderOptions.of(4).schedule(Schedule.uniform(1.5));
        for (int threads = 1; threads <= 2; threads++) {
            assertThat(DraftRows.compare(both, model.model(true, threads), drafter, options, requests))
                    .isGreaterThan(50);
        }
        DecoderOptions batch = options.slots(3).drafts(DraftPolicy.adaptive(0.6));
        assertThat(DraftRows.compare(both, model.model(true, 1), drafter, batch, requests))
                .isGreaterThan(50);
        // Long without a draft: what has no room any more is read ahead.
        DraftPolicy seldom = () -> new DraftPolicy.Decisions() {
            private int steps;

            @Override
            public boolean another(int drafted) {
                return drafted == 0 ? ++steps % 15 == 0 : drafted < 2;
            }
        };
        assertThat(DraftRows.compare(
                        both,
                        model.model(true, 1),
                        drafter,
                        DecoderOptions.of(2).drafts(seldom),
                        requests))
                .isPositive();
    }

    @Test
    void aFolderIsChecked() throws Exception {
        Map<String, Tensor> tensors = TinyChameleonDrafter.tensors();
        TinyChameleonDrafter.write(folder, tensors);
        torch.manual_seed(5);
        Tensor features = torch.randn(1, 9, 64);
        Tensor tokens = Tensors.of(new long[] {8710, 300, 4, 5, 67, 71, 73, 0, 511}, 9)
                .remainder(new Scalar(512))
                .unsqueeze(0);
        Map<String, Tensor> expected = new LinkedHashMap<>();
        expected.put("tokens", tokens);
        expected.put("input_features", features);
        expected.put("output_features", new LanternDrafter(tensors).features(tokens, features));
        TensorFiles.write(folder.resolve("expected.safetensors"), expected, Map.of());
        CheckpointCheck check = CheckpointCheck.of(Checkpoints.find(folder)).get(folder.resolve("model.safetensors"));
        assertThat(check.errors()).containsOnlyKeys("output_features");
        assertThat(check.passed()).as(check.toString()).isTrue();
        assertThat(find(folder).summary().architecture()).isEqualTo("EAGLE drafter for Chameleon of width 64");
        for (String name : List.of("layers.0.self_attn.q_norm.bias", "layers.0.input_layernorm.weight", "fc.bias")) {
            Map<String, Tensor> changed = new LinkedHashMap<>(tensors);
            changed.put(name, torch.randn(tensors.get(name).sizes().vec().get()));
            TinyChameleonDrafter.write(folder, changed);
            assertThat(CheckpointCheck.of(Checkpoints.find(folder))
                            .get(folder.resolve("model.safetensors"))
                            .passed())
                    .as(name)
                    .isFalse();
        }
    }

    /** A configuration says where there is no bias, and LANTERN's linear layer has none then. */
    @Test
    void withoutABias() throws Exception {
        Map<String, Tensor> tensors = TinyChameleonDrafter.tensors();
        tensors.remove("fc.bias");
        TinyChameleonDrafter.write(folder, tensors);
        assertThatThrownBy(() -> model.eagle(find(folder)))
                .isInstanceOf(CheckpointException.class)
                .hasMessageEndingWith("model.safetensors: the checkpoint has no tensor 'fc.bias'");
        configure("{", "{\"bias\": false,");
        model.eagle(find(folder));
        assertThat(CheckpointCheck.of(Checkpoints.find(folder))
                        .get(folder.resolve("model.safetensors"))
                        .passed())
                .isTrue();
    }

    private void configure(String from, String to) throws IOException {
        Path config = folder.resolve("config.json");
        String text = Files.readString(config);
        assertThat(text).contains(from);
        Files.writeString(config, text.replaceFirst(Pattern.quote(from), to));
    }

    @Test
    void othersAreRefused() throws Exception {
        Map<String, Tensor> tensors = TinyChameleonDrafter.tensors();
        TinyChameleonDrafter.write(folder, tensors);
        configure("\"num_hidden_layers\": 1", "\"num_hidden_layers\": 2");
        assertThatThrownBy(() -> Checkpoints.find(folder))
                .isInstanceOf(CheckpointException.class)
                .hasMessageEndingWith("config.json: num_hidden_layers is 2; a drafter has 1");
        configure("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1");
        configure("\"vocab_size\": 512", "\"vocab_size\": 500");
        assertThatThrownBy(() -> model.eagle(find(folder)))
                .hasMessageContaining("has width 64 and 500 tokens, the target 64 and 512; it is another model's");
        configure("\"vocab_size\": 500", "\"vocab_size\": 512");
        configure("\"intermediate_size\": 160", "\"intermediate_size\": 128");
        assertThatThrownBy(() -> model.eagle(find(folder)))
                .hasMessageContaining(
                        "'layers.0.mlp.gate_proj.weight' has shape [160, 64], the configuration asks for");
        Path llamaGen = Path.of("../checkpoint/src/test/resources/fixtures/eagle-c2i");
        assertThatThrownBy(() -> model.eagle(find(llamaGen)))
                .hasMessageEndingWith("pytorch_model.bin is no EAGLE drafter for Lumina-mGPT");
    }
}
