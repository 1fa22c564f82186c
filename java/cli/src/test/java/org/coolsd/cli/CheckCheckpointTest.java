package org.coolsd.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.coolsd.libtorch.LibTorch;
import org.coolsd.libtorch.TensorFiles;
import org.coolsd.models.tiny.TinyT5;
import org.coolsd.testing.CommandRun;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code coolsd check-checkpoint}: verdicts, and one line for what is no checkpoint. */
class CheckCheckpointTest {
    private static final Path FIXTURES = Path.of("../checkpoint/src/test/resources/fixtures");

    @TempDir
    private Path folder;

    @BeforeAll
    static void load() throws IOException {
        LibTorch.load(1);
    }

    private static CommandRun check(Path folder, String... more) {
        return CommandRun.of(
                () -> Main.run(Stream.concat(Stream.of("check-checkpoint", folder.toString()), Stream.of(more))
                        .toArray(String[]::new)));
    }

    /** It fails with this line and nothing else on standard error. */
    private static void refused(Path folder, String line) {
        CommandRun run = check(folder);
        assertThat(run.code()).isEqualTo(1);
        assertThat(run.error().lines().toList()).hasSize(1);
        assertThat(run.error().strip()).startsWith("coolsd: ").contains(line);
    }

    private void copy(String fixture) throws IOException {
        try (Stream<Path> files = Files.list(FIXTURES.resolve(fixture))) {
            for (Path file : files.toList()) {
                Files.copy(file, folder.resolve(file.getFileName().toString()));
            }
        }
    }

    private void rewrite(String file, Map<String, Tensor> tensors) throws IOException {
        TensorFiles.write(folder.resolve(file), tensors, Map.of());
    }

    @Test
    void saysWhatItIsAndThatItIsRight() throws Exception {
        copy("gpt-c2i");
        Path json = folder.resolve("check.json");
        CommandRun run = check(folder, "--json", json.toString());
        assertThat(run.error()).isEmpty();
        assertThat(run.code()).isZero();
        assertThat(run.out())
                .contains("LlamaGen GPT, 3 layers of width 64, c2i, 10 classes, 4 x 4 tokens")
                .contains("177,280, stored as F32")
                .contains("128, image tokens 0..127")
                .contains("0.7 MB at f32")
                .contains("25 read")
                .contains("verdict                right: the official code's outputs (tolerance 1e-04");
        JsonNode figures = new ObjectMapper().readTree(json.toFile());
        assertThat(figures.path("right").asBoolean()).isTrue();
        assertThat(figures.at("/models/0/parameters").asLong()).isEqualTo(177280);
        assertThat(figures.at("/files/0/errors/logits").asDouble(1)).isLessThan(1e-4);
    }

    @Test
    void sizesOfATokenizerComeFromItsTensors() throws Exception {
        copy("vq");
        Files.delete(folder.resolve("config.json"));
        CommandRun run = check(folder);
        assertThat(run.code()).as(run.error()).isZero();
        assertThat(run.out()).contains("207 read, not read by anything: quantize.codebook_used");
    }

    @Test
    void wrongValuesAndStrangeTensorsAreNamed() throws Exception {
        copy("eagle-c2i");
        Map<String, Tensor> tensors = TensorFiles.read(folder.resolve("pytorch_model.bin"));
        Map<String, Tensor> changed = new LinkedHashMap<>(tensors);
        changed.put("fc.bias", tensors.get("fc.bias").add(new Scalar(0.1)));
        rewrite("pytorch_model.bin", changed);
        CommandRun run = check(folder);
        assertThat(run.code()).isEqualTo(1);
        assertThat(run.out()).contains("beyond the tolerance").contains("verdict                wrong: other outputs");
        Map<String, Tensor> more = new LinkedHashMap<>(tensors);
        more.put("layers.1.mlp.gate_proj.weight", torch.zeros(2));
        rewrite("pytorch_model.bin", more);
        run = check(folder);
        assertThat(run.code()).isEqualTo(1);
        assertThat(run.out()).contains("wrong: 1 tensors are none of the model's: layers.1.mlp.gate_proj.weight");
        Map<String, Tensor> fewer = new LinkedHashMap<>(tensors);
        fewer.remove("fc.bias");
        rewrite("pytorch_model.bin", fewer);
        refused(folder, "pytorch_model.bin: the checkpoint has no tensor 'fc.bias'");
    }

    @Test
    void withoutOutputsItOnlyLoads() throws Exception {
        copy("eagle-c2i");
        Files.delete(folder.resolve("expected.safetensors"));
        CommandRun run = check(folder);
        assertThat(run.code()).isZero();
        assertThat(run.out()).contains("loads; there is no expected.safetensors to compare with");
        rewrite("expected.safetensors", Map.of("input_features", torch.zeros(1, 2, 64)));
        run = check(folder);
        assertThat(run.code()).isZero();
        assertThat(run.out()).contains("loads; expected.safetensors has none of its outputs");
    }

    @Test
    void entriesThatNobodyKnows() throws Exception {
        copy("eagle-c2i");
        Map<String, Tensor> expected = new LinkedHashMap<>(TensorFiles.read(folder.resolve("expected.safetensors")));
        expected.put("surprise", torch.zeros(1));
        rewrite("expected.safetensors", expected);
        refused(folder, "expected.safetensors: entry 'surprise' is neither an input nor an output");
    }

    @Test
    void inputsThatTheModelHasNoPlaceFor() throws Exception {
        copy("eagle-c2i");
        Map<String, Tensor> expected = new LinkedHashMap<>(TensorFiles.read(folder.resolve("expected.safetensors")));
        expected.put("tokens", expected.get("tokens").add(new Scalar(1000)));
        rewrite("expected.safetensors", expected);
        refused(folder, "expected.safetensors: its inputs are none of the model");
    }

    @Test
    void foldersWithoutAModel() throws Exception {
        refused(folder.resolve("nowhere"), "nowhere: no such folder");
        refused(folder, "no weights in this folder");
        Path file = Files.writeString(folder.resolve("model.pt"), "version https://git-lfs.github.com/spec/v1\n");
        refused(file, "model.pt: not a folder; name the folder that the weights are in");
        refused(folder, "model.pt: a Git LFS pointer, not the weights; run 'git lfs pull'");
        Files.delete(file);
        Files.writeString(
                folder.resolve("model.safetensors.index.json"),
                "{\"weight_map\": {\"norm.weight\": \"model-00001-of-00001.safetensors\"}}");
        refused(folder, "shard 'model-00001-of-00001.safetensors' with tensor 'norm.weight' is missing");
    }

    @Test
    void modelsThatAreNotRead() throws Exception {
        rewrite("model.safetensors", Map.of("transformer.h.0.attn.weight", torch.zeros(2, 2)));
        refused(folder, "model.safetensors: none of the models that are read: ");
        Files.writeString(folder.resolve("config.json"), "{\"model_type\": \"gpt2\"}");
        refused(folder, "config.json: model_type is 'gpt2', none of the models that are read: ");
        Files.writeString(folder.resolve("config.json"), "{\"model_type\": ");
        refused(folder, "config.json: Unexpected end-of-input");
        Files.writeString(folder.resolve("config.json"), "[]");
        refused(folder, "config.json: no JSON object, so no configuration");
    }

    @Test
    void variantsThatAreNotReadYet() throws Exception {
        copy("chameleon");
        Path config = folder.resolve("config.json");
        Files.writeString(config, Files.readString(config).replace("\"swin_norm\": false", "\"swin_norm\": true"));
        refused(folder, "config.json: swin_norm is true");
    }

    @Test
    void twoModelsInOneFolder() throws Exception {
        copy("gpt-c2i");
        Files.copy(folder.resolve("model.pt"), folder.resolve("another.pt"));
        refused(folder, "two models of one purpose");
    }

    /** As people download them: the target and the tokenizer, side by side. */
    @Test
    void twoModelsOfTwoPurposes() throws Exception {
        copy("gpt-c2i");
        Files.copy(FIXTURES.resolve("vq/model.pt"), folder.resolve("vq.pt"));
        CommandRun run = check(folder);
        assertThat(run.code()).as(run.error()).isZero();
        assertThat(run.out()).contains("LlamaGen GPT, 3 layers").contains("LlamaGen VQ tokenizer");
        assertThat(List.of(run.out().split("verdict"))).hasSize(3);
    }

    /** The text encoder beside a target of captions is checked too. */
    @Test
    void anEncoderInTheFolder() throws Exception {
        copy("gpt-t2i");
        Path encoder = Files.createDirectories(folder.resolve("encoder"));
        TinyT5.make(encoder, true, 32);
        CommandRun run = check(folder);
        assertThat(run.code()).as(run.error()).isZero();
        assertThat(run.out())
                .contains("LlamaGen GPT, 2 layers of width 64, t2i")
                .contains("T5 encoder of width 32");
        assertThat(List.of(run.out().split("verdict"))).hasSize(3);
        Map<String, Tensor> tensors = new LinkedHashMap<>(TensorFiles.read(encoder.resolve("model.safetensors")));
        tensors.remove("encoder.final_layer_norm.weight");
        rewrite("encoder/model.safetensors", tensors);
        refused(folder, "model.safetensors: the checkpoint has no tensor 'encoder.final_layer_norm.weight'");
    }
}
