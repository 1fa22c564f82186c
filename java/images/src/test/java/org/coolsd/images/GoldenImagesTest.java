package org.coolsd.images;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.Stream;
import org.coolsd.Sampling;
import org.coolsd.decode.Decoder;
import org.coolsd.decode.DecoderOptions;
import org.coolsd.decode.Request;
import org.coolsd.decode.Result;
import org.coolsd.libtorch.LibTorch;
import org.coolsd.libtorch.Placement;
import org.coolsd.libtorch.Precision;
import org.coolsd.models.Prompt;
import org.coolsd.models.llamagen.CaptionFile;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Each family's tiny official models make the images that they made before, with every source of drafts: lossless, in f32.
 *
 * <p>Tokens are compared exactly. Processors differ in the last bits of logits, about 1e-6, which decide a token only where a
 * random number falls that close to a border of its law; the seeds are such that even weights of 16 bits, whose logits are
 * about 1e-3 off, give the same tokens. Pictures are compared to a level: of their many pixels one is now and then that close
 * to the middle between two levels.
 */
class GoldenImagesTest {
    private static final Path FIXTURES = Path.of("../checkpoint/src/test/resources/fixtures");

    /** A small tokenizer for the tiny Chameleon decoder, which has none. */
    private static final Path TOKENIZER = Path.of("../models/src/test/resources/chameleon/tokenizer.json");

    /** Set to a folder, the images are written there, instead of compared. */
    private static final String RECORD = System.getProperty("coolsd.golden");

    private static final int[] SEEDS = {20, 22};

    @TempDir
    private Path folder;

    @BeforeAll
    static void load() throws IOException {
        LibTorch.load(1);
    }

    private void copy(String fixture, String part) throws IOException {
        Path to = Files.createDirectories(folder.resolve(part));
        try (Stream<Path> files = Files.list(FIXTURES.resolve(fixture))) {
            for (Path file : files.toList()) {
                Files.copy(file, to.resolve(file.getFileName().toString()));
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "llamagen-c2i, gpt-c2i, vq, eagle-c2i, none",
        "llamagen-c2i, gpt-c2i, vq, eagle-c2i, jacobi",
        "llamagen-c2i, gpt-c2i, vq, eagle-c2i, coupled",
        "llamagen-c2i, gpt-c2i, vq, eagle-c2i, eagle",
        "llamagen-t2i, gpt-t2i, vq, eagle-t2i, none",
        "llamagen-t2i, gpt-t2i, vq, eagle-t2i, jacobi",
        "llamagen-t2i, gpt-t2i, vq, eagle-t2i, coupled",
        "llamagen-t2i, gpt-t2i, vq, eagle-t2i, eagle",
        "chameleon, chameleon, chameleon-vqgan, , none",
        "chameleon, chameleon, chameleon-vqgan, , jacobi",
        "chameleon, chameleon, chameleon-vqgan, , coupled"
    })
    void imagesStayTheSame(String family, String target, String tokenizer, String drafter, String drafts)
            throws Exception {
        copy(target, "target");
        copy(tokenizer, "tokenizer");
        if (drafter != null) {
            copy(drafter, "drafter");
        }
        if (family.equals("chameleon")) {
            Files.copy(TOKENIZER, folder.resolve("target/tokenizer.json"));
        }
        ObjectNode images;
        try (ImagePipeline<?> model =
                ImagePipeline.load(ImageFolder.open(folder).with(Drafts.of(drafts)), Precision.F32, Placement.cpu())) {
            images = images(model, seed -> prompt(model, seed));
        }
        ObjectMapper json = new ObjectMapper();
        String name = family + "-" + drafts + ".json";
        if (RECORD != null) {
            json.writeValue(Path.of(RECORD, name).toFile(), images);
            return;
        }
        JsonNode golden;
        try (InputStream in = GoldenImagesTest.class.getResourceAsStream("/golden/" + name)) {
            golden = json.readTree(in);
        }
        assertThat(images.path("tokens")).isEqualTo(golden.path("tokens"));
        assertThat(images.path("width")).isEqualTo(golden.path("width"));
        JsonNode levels = golden.path("levels");
        assertThat(images.path("levels").size()).isEqualTo(levels.size());
        for (int i = 0; i < levels.size(); i++) {
            assertThat(images.path("levels").get(i).asInt())
                    .as("level %d", i)
                    .isBetween(levels.get(i).asInt() - 1, levels.get(i).asInt() + 1);
        }
    }

    /** A class, a caption that the official code's outputs come with, or words. */
    private Prompt prompt(ImagePipeline<?> model, int seed) {
        if (model.target().classes() > 0) {
            return new Prompt.Label(seed % model.target().classes());
        }
        if (!model.target().readsEmbeddings()) {
            return new Prompt.Text("a cat of seed " + seed, 64, 96);
        }
        try {
            Path file = folder.resolve("target/expected.safetensors");
            return new Prompt.CaptionEmbeddings(CaptionFile.open(file), seed / 2 % 2);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Some images in a batch of two, and the picture of the first. */
    private static <C> ObjectNode images(ImagePipeline<C> model, IntFunction<Prompt> prompts) throws IOException {
        Sampling sampling = Sampling.of().guidance(1.5F).topK(60);
        List<Request<C>> requests = new ArrayList<>();
        for (int seed : SEEDS) {
            requests.add(model.request(prompts.apply(seed), seed, sampling));
        }
        ObjectNode node = new ObjectMapper().createObjectNode();
        try (Decoder<C> decoder = model.decoder(true, 1, DecoderOptions.of(4).slots(2))) {
            List<Result> results = decoder.decode(requests);
            var tokens = node.putArray("tokens");
            for (Result result : results) {
                var image = tokens.addArray();
                for (int token : result.tokens()) {
                    image.add(token);
                }
            }
            Picture picture =
                    model.picture(requests.get(0).condition(), results.get(0).tokens());
            assertThat(picture.channels()).isEqualTo(3);
            node.put("width", picture.width());
            var levels = node.putArray("levels");
            for (byte level : picture.levels()) {
                levels.add(level & 0xff);
            }
        }
        return node;
    }
}
