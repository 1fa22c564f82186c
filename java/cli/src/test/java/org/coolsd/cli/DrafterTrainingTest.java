package org.coolsd.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.coolsd.checkpoint.Safetensors;
import org.coolsd.models.tiny.ConvertedLayout;
import org.coolsd.models.tiny.Fixture;
import org.coolsd.models.tiny.TinyChameleonDrafter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code train drafter --model} with the tiny official models: what it trains is what {@code generate} then drafts with. */
class DrafterTrainingTest {
    private static final Path FIXTURES = Path.of("../checkpoint/src/test/resources/fixtures");

    @TempDir
    private Path folder;

    private Path model;

    private void copy(String fixture, String part) throws IOException {
        model = folder.resolve("model");
        Path to = Files.createDirectories(folder.resolve(part));
        try (Stream<Path> files = Files.list(FIXTURES.resolve(fixture))) {
            for (Path file : files.toList()) {
                Files.copy(file, to.resolve(file.getFileName().toString()));
            }
        }
    }

    private JsonNode train(int samples, int steps, String... more) throws IOException {
        Path json = folder.resolve("summary.json");
        List<String> arguments = new ArrayList<>(List.of(
                "train",
                "drafter",
                "--model=" + model,
                "--samples=" + samples,
                "--steps=" + steps,
                "--batch=8",
                "--learning-rate=0.003",
                "--json=" + json));
        arguments.addAll(List.of(more));
        assertThat(Main.run(arguments.toArray(new String[0]))).isZero();
        return new ObjectMapper().readTree(json.toFile());
    }

    private double acceptedLength(String... more) throws IOException {
        Path json = folder.resolve("figures.json");
        List<String> arguments = new ArrayList<>(List.of(
                "generate",
                "--model=" + model,
                "--count=8",
                "--precision=f32",
                "--schedule=lossless",
                "--output=" + folder.resolve("images.png"),
                "--json=" + json));
        arguments.addAll(List.of(more));
        assertThat(Main.run(arguments.toArray(new String[0]))).isZero();
        JsonNode figures = new ObjectMapper().readTree(json.toFile());
        assertThat(figures.get("driftPerImage").asDouble()).isZero();
        return figures.get("acceptedLength").asDouble();
    }

    private static double mean(List<String> lines, int from, int to) {
        return lines.subList(from, to).stream()
                .mapToDouble(line -> Double.parseDouble(line.substring(line.indexOf(',') + 1)))
                .average()
                .orElseThrow();
    }

    @Test
    void aPublishedTargetGetsADrafterThatIsResumedAndUsed() throws Exception {
        copy("gpt-c2i", "model");
        copy("vq", "model/tokenizer");
        JsonNode summary = train(24, 60);
        assertThat(summary.get("updates").asLong()).isEqualTo(60);
        Path work = model.resolve("drafter-training");
        List<String> losses = Files.readAllLines(work.resolve("drafter.csv"));
        assertThat(losses).hasSize(61);
        assertThat(mean(losses, 51, 61)).isLessThan(mean(losses, 1, 11) - 0.02);
        assertThat(Safetensors.read(work.resolve("tokens.safetensors"))
                        .tensors()
                        .get("tokens")
                        .shape())
                .containsExactly(24, 16);

        // The same call finds all done; one with more samples and updates goes on from there.
        byte[] tokens = Files.readAllBytes(work.resolve("tokens.safetensors"));
        byte[] drafter = Files.readAllBytes(model.resolve("drafter/model.safetensors"));
        train(24, 60);
        assertThat(Files.readAllBytes(work.resolve("tokens.safetensors"))).isEqualTo(tokens);
        assertThat(Files.readAllBytes(model.resolve("drafter/model.safetensors")))
                .isEqualTo(drafter);
        train(32, 90);
        List<String> more = Files.readAllLines(work.resolve("drafter.csv"));
        assertThat(more).hasSize(91).startsWith(losses.toArray(new String[0]));
        byte[] grown = Files.readAllBytes(work.resolve("tokens.safetensors"));
        int same = 24 * 16 * Integer.BYTES;
        int rest = 8 * 16 * Integer.BYTES;
        assertThat(Arrays.copyOfRange(grown, grown.length - same - rest, grown.length - rest))
                .isEqualTo(Arrays.copyOfRange(tokens, tokens.length - same, tokens.length));
        assertThat(Files.readAllBytes(model.resolve("drafter/model.safetensors")))
                .isNotEqualTo(drafter);

        assertThat(Main.run("check-checkpoint", model.toString())).isZero();
        double accepted = acceptedLength();
        assertThat(accepted).isGreaterThan(1.2);
        assertThat(acceptedLength("--drafter=eagle")).isEqualTo(accepted);
        copy("eagle-c2i", "elsewhere");
        // The fixture's drafter has random weights and knows nothing of this target.
        assertThat(accepted).isGreaterThan(acceptedLength("--drafter=" + folder.resolve("elsewhere")));
    }

    @Test
    void aConvertedTargetGetsOneToo() throws Exception {
        model = folder.resolve("model");
        ConvertedLayout.write(Fixture.open("gpt-c2i"), model.resolve("target"));
        copy("vq", "model/tokenizer");
        train(16, 40);
        assertThat(acceptedLength()).isGreaterThan(1.2);
    }

    private void refused(int code, String words, String... arguments) {
        PrintStream error = System.err;
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        int actual;
        try {
            System.setErr(new PrintStream(bytes, true, StandardCharsets.UTF_8));
            actual = Main.run(arguments);
        } finally {
            System.setErr(error);
        }
        String line = bytes.toString(StandardCharsets.UTF_8);
        assertThat(line).startsWith("coolsd: ").contains(words);
        assertThat(line.lines()).hasSize(1);
        assertThat(actual).isEqualTo(code);
    }

    /** Captions of different length: the prefixes of a batch differ. */
    @Test
    void aTargetOfCaptionsGetsOne() throws Exception {
        copy("gpt-t2i", "model/target");
        copy("vq", "model/tokenizer");
        copy("eagle-t2i", "elsewhere");
        String captions = "--caption-embeddings="
                + Files.copy(FIXTURES.resolve("gpt-t2i/expected.safetensors"), folder.resolve("captions"));
        train(16, 60, captions);
        assertThat(Main.run("check-checkpoint", model.toString())).isZero();
        // The fixture's drafter has random weights and knows nothing of this target.
        assertThat(acceptedLength(captions))
                .isGreaterThan(acceptedLength(captions, "--drafter=" + folder.resolve("elsewhere")) + 0.1);
        refused(
                2,
                "this model makes images of captions: use --caption-embeddings FILE",
                "train",
                "drafter",
                "--model=" + model);
        Path other = FIXTURES.resolve("gpt-t2i/model.pt");
        refused(
                1,
                "model.pt: no tensor 'caption_embeddings'",
                "train",
                "drafter",
                "--model=" + model,
                "--caption-embeddings=" + other);
    }

    @Test
    void aTargetOfTextsGetsOne() throws Exception {
        copy("chameleon", "model/target");
        copy("chameleon-vqgan", "model/tokenizer");
        Files.copy(
                Path.of("../models/src/test/resources/chameleon/tokenizer.json"),
                folder.resolve("model/tokenizer/tokenizer.json"));
        Path texts = Files.writeString(folder.resolve("texts"), "a red cat\n\nan image of another length\n");
        train(16, 60, "--prompts=" + texts, "--size=64x64");
        assertThat(Main.run("check-checkpoint", model.toString())).isZero();
        String untrained =
                "--drafter=" + TinyChameleonDrafter.write(folder.resolve("untrained"), TinyChameleonDrafter.tensors());
        String[] asked = {"--prompt=a red cat", "--size=64x64"};
        assertThat(acceptedLength(asked)).isGreaterThan(acceptedLength(asked[0], asked[1], untrained) + 0.1);

        String here = "--model=" + model;
        refused(2, "this model makes images of texts: use --prompts FILE", "train", "drafter", here);
        String given = "--prompts=" + texts;
        refused(2, "size is 'big', it must be WxH", "train", "drafter", here, given, "--size=big");
        refused(1, "and these prompts; remove the folder", "train", "drafter", here, given, "--size=96x64");
        Files.writeString(texts, "\n");
        refused(1, "texts: no text in it", "train", "drafter", here, given);
        refused(1, "nowhere: no such file", "train", "drafter", here, "--prompts=nowhere");
    }

    @Test
    void badInputIsOneLine() throws Exception {
        copy("gpt-c2i", "model");
        String here = "--model=" + model;
        refused(2, "samples is 0, it must be 1..1000000", "train", "drafter", here, "--samples=0");
        refused(2, "--samples is for --model", "train", "drafter", "--samples=3");
        refused(2, "--prompts and --size are for --model", "train", "drafter", "--size=64x64");
        refused(
                2,
                "this model makes images of classes, which are taken in turn",
                "train",
                "drafter",
                here,
                "--prompts=x");
        refused(2, "learning rate is 0.0", "train", "drafter", here, "--learning-rate=0");
        refused(2, "--model is for drafter; target is trained in --output", "train", "target", here);
        refused(2, "--model and --output do not go together", "train", "drafter", here, "--output=" + folder);
        refused(1, "nowhere: no such folder", "train", "drafter", "--model=nowhere");
        refused(
                1,
                "no weights in this folder",
                "train",
                "drafter",
                "--model=" + Files.createDirectory(folder.resolve("empty")));
        copy("vq", "pictures");
        refused(1, "no model that makes tokens", "train", "drafter", "--model=" + folder.resolve("pictures"));

        train(2, 1);
        refused(1, "not the images of this target with seed 7", "train", "drafter", here, "--seed=7");
        Path tokens = model.resolve("drafter-training/tokens.safetensors");
        Files.write(tokens, Arrays.copyOf(Files.readAllBytes(tokens), 100));
        refused(1, "tokens.safetensors: ", "train", "drafter", here);

        Files.delete(model.resolve("drafter/model.safetensors"));
        Files.delete(model.resolve("drafter/config.json"));
        copy("eagle-c2i", "model/drafter");
        refused(1, "pytorch_model.bin: a drafter that was not trained here", "train", "drafter", here);
    }
}
