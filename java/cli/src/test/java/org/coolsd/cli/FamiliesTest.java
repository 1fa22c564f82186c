package org.coolsd.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.coolsd.libtorch.Precision;
import org.coolsd.libtorch.TensorFiles;
import org.coolsd.libtorch.Tensors;
import org.coolsd.models.t5.EncodedText;
import org.coolsd.models.t5.TextEncoder;
import org.coolsd.models.tiny.TinyChameleonDrafter;
import org.coolsd.models.tiny.TinyT5;
import org.coolsd.testing.CommandRun;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code coolsd generate} with the tiny official models of every family, in the folders that people make of downloads. */
class FamiliesTest {
    private static final Path FIXTURES = Path.of("../checkpoint/src/test/resources/fixtures");

    @TempDir
    private Path folder;

    private CommandRun generate(String... more) {
        List<String> arguments = new ArrayList<>(List.of(
                "generate",
                "--model",
                folder.resolve("model").toString(),
                "--output",
                folder.resolve("images.png").toString(),
                "--precision",
                "f32"));
        arguments.addAll(List.of(more));
        if (!arguments.contains("--count")) {
            arguments.addAll(List.of("--count", "3"));
        }
        return CommandRun.of(() -> Main.run(arguments.toArray(new String[0])));
    }

    private void copy(String fixture, String part) throws IOException {
        Path to = Files.createDirectories(folder.resolve(part));
        try (Stream<Path> files = Files.list(FIXTURES.resolve(fixture))) {
            for (Path file : files.toList()) {
                Files.copy(file, to.resolve(file.getFileName().toString()));
            }
        }
    }

    /** Two by two pictures of so many pixels, in colour. */
    private void made(CommandRun run, int side, int scale) throws IOException {
        assertThat(run.error()).isEmpty();
        assertThat(run.code()).isZero();
        assertThat(run.out()).contains("3 images", "drift 0.00 per image: the images have exactly the law");
        BufferedImage grid = ImageIO.read(folder.resolve("images.png").toFile());
        assertThat(grid.getWidth()).isEqualTo((2 * (side + 2) + 2) * scale);
        assertThat(grid.getColorModel().getNumComponents()).isEqualTo(3);
    }

    private void refused(int code, String words, String... arguments) {
        CommandRun run = generate(arguments);
        assertThat(run.error()).startsWith("coolsd: ").contains(words);
        assertThat(run.error().lines()).hasSize(1);
        assertThat(run.code()).isEqualTo(code);
        assertThat(folder.resolve("images.png")).doesNotExist();
    }

    @Test
    void classesWithEverySourceOfDrafts() throws Exception {
        copy("gpt-c2i", "model");
        copy("vq", "model/tokenizer");
        copy("eagle-c2i", "elsewhere");
        String drafter = folder.resolve("elsewhere").toString();
        for (String drafts : List.of("none", "jacobi", "coupled", drafter)) {
            made(generate("--drafter", drafts, "--schedule", "lossless", "--verification", "token"), 8, 4);
        }
        made(generate("--schedule", "lossless", "--class", "9"), 8, 4);
        Files.delete(folder.resolve("images.png"));
        refused(2, "class is 10, it must be 0..9", "--class", "10");
        refused(2, "class", "--prompt", "a cat");
        refused(1, "no drafter in it; name the folder of one, or draft without one", "--drafter", "eagle");
        refused(1, "nowhere: no such folder", "--drafter", "nowhere");
    }

    @Test
    void captionsAsAnEncoderReadThem() throws Exception {
        copy("gpt-t2i", "model/target");
        copy("vq", "model/tokenizer");
        copy("eagle-t2i", "model/drafter");
        String captions = folder.resolve("model/target/expected.safetensors").toString();
        made(generate("--caption-embeddings", captions, "--schedule", "lossless"), 8, 4);
        Files.delete(folder.resolve("images.png"));
        refused(2, "this model makes images of text: use --prompt or --caption-embeddings");
        refused(1, "encoder: no such folder; to read text this model needs the encoder of", "--prompt", "a cat");
        String weights = folder.resolve("model/target/model.pt").toString();
        refused(1, "model.pt: no tensor 'caption_embeddings'", "--caption-embeddings", weights);
    }

    /** A tiny encoder of random weights: the images of a text are those of what it makes of the text. */
    @Test
    void textThroughAnEncoder() throws Exception {
        copy("gpt-t2i", "model/target");
        copy("vq", "model/tokenizer");
        Path encoder = Files.createDirectories(folder.resolve("model/encoder"));
        TinyT5.make(encoder, true, 32);
        made(generate("--prompt", "A blue CAR on the hill", "--schedule", "lossless"), 8, 4);
        byte[] ofText = Files.readAllBytes(folder.resolve("images.png"));
        Path captions = folder.resolve("captions.safetensors");
        try (TextEncoder reader = TextEncoder.open(encoder, Precision.F32)) {
            EncodedText text = reader.encode("a blue car on the hill");
            assertThat(text.count()).isEqualTo(7);
            TensorFiles.write(
                    captions,
                    Map.of("caption_embeddings", Tensors.of(text.rows(), 1, text.count(), text.width())),
                    Map.of());
        }
        made(generate("--caption-embeddings", captions.toString(), "--schedule", "lossless"), 8, 4);
        assertThat(Files.readAllBytes(folder.resolve("images.png"))).isEqualTo(ofText);
        made(generate("--prompt", "the house", "--schedule", "lossless"), 8, 4);
        assertThat(Files.readAllBytes(folder.resolve("images.png"))).isNotEqualTo(ofText);
        Files.delete(folder.resolve("images.png"));
        refused(
                2,
                "the size is 64x64; this model makes images of 8x8 only",
                "--prompt",
                "a blue car",
                "--size",
                "64x64");
    }

    @Test
    void wordsForChameleon() throws Exception {
        copy("chameleon", "model");
        copy("chameleon-vqgan", "model/tokenizer");
        Files.copy(
                Path.of("../models/src/test/resources/chameleon/tokenizer.json"),
                folder.resolve("model/tokenizer.json"));
        made(generate("--prompt", "a cat", "--size", "96x96", "--schedule", "lossless"), 12, 4);
        Path drafter = TinyChameleonDrafter.write(folder.resolve("elsewhere"), TinyChameleonDrafter.tensors());
        made(
                generate(
                        "--prompt",
                        "a cat",
                        "--size",
                        "96x96",
                        "--schedule",
                        "lossless",
                        "--drafter",
                        drafter.toString()),
                12,
                4);
        Files.delete(folder.resolve("images.png"));
        refused(2, "size is 'large', it must be WxH", "--prompt", "a cat", "--size", "large");
        refused(2, "use --prompt", "--class", "1");
    }

    @Test
    void aTokenizerIsMissingOrAnothers() throws Exception {
        copy("gpt-c2i", "model");
        refused(1, "no tokenizer in it that makes pictures of tokens");
        copy("chameleon-vqgan", "model/tokenizer");
        refused(1, "has 128 tokens, the tokenizer ");
    }
}
