package org.coolsd.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.zip.GZIPOutputStream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code train} and {@code evaluate} through the command line, from 40 pictures made here to the figures of a model card. */
class TrainingTest {
    private static final String CONFIG =
            """
            {"classes": ["hat", "coat"], "guidance": 1.5,
             "tokenizer": {"codebook_size": 16, "codebook_embed_dim": 4, "codebook_l2_norm": true, "ch": 32,
               "ch_mult": [1, 1, 1], "z_channels": 32, "num_res_blocks": 1},
             "target": {"dim": 32, "n_layer": 1, "n_head": 2, "multiple_of": 32, "rope_base": 10000, "norm_eps": 1e-5,
               "num_classes": 2, "vocab_size": 16, "cls_token_num": 1, "block_size": 49},
             "drafter": {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 2, "rms_norm_eps": 1e-6,
               "vocab_size": 16}}
            """;

    private static final int PICTURES = 40;

    @TempDir
    private Path folder;

    private Path model;
    private Path data;

    private void prepare() throws IOException {
        model = Files.createDirectory(folder.resolve("model"));
        Files.writeString(model.resolve("config.json"), CONFIG);
        data = Files.createDirectory(folder.resolve("data"));
        Random random = new Random(1);
        for (String part : List.of("train", "t10k")) {
            byte[] pixels = new byte[PICTURES * 28 * 28];
            byte[] labels = new byte[PICTURES];
            for (int i = 0; i < PICTURES; i++) {
                labels[i] = (byte) (i % 2);
                for (int p = 0; p < 28 * 28; p++) {
                    // A bright half on the left or on the right, by the label, and noise.
                    boolean bright = p % 28 < 14 == (labels[i] == 0);
                    pixels[i * 28 * 28 + p] = (byte) ((bright ? 180 : 20) + random.nextInt(40));
                }
            }
            idx(data.resolve(part + "-images-idx3-ubyte.gz"), pixels, PICTURES, 28, 28);
            idx(data.resolve(part + "-labels-idx1-ubyte.gz"), labels, PICTURES);
        }
    }

    private static void idx(Path file, byte[] values, int... shape) throws IOException {
        try (DataOutputStream out = new DataOutputStream(new GZIPOutputStream(Files.newOutputStream(file)))) {
            out.writeInt(0x800 + shape.length);
            for (int n : shape) {
                out.writeInt(n);
            }
            out.write(values);
        }
    }

    private void train(String name, long steps) throws IOException {
        Path json = folder.resolve("summary.json");
        List<String> arguments = new ArrayList<>(List.of("train", name, "--steps=" + steps, "--batch=4"));
        arguments.addAll(List.of("--data=" + data, "--output=" + model, "--json=" + json));
        assertThat(Main.run(arguments.toArray(new String[0]))).as(name).isZero();
        JsonNode summary = new ObjectMapper().readTree(json.toFile());
        assertThat(summary.get("updates").asLong()).isEqualTo(steps);
        assertThat(summary.get("loss").asDouble()).isFinite();
        Path run = model.resolve("training");
        assertThat(Files.readAllLines(run.resolve(name + ".csv"))).hasSize((int) steps + 1);
        assertThat(ImageIO.read(run.resolve(name + ".png").toFile()).getWidth()).isEqualTo(800);
        assertThat(model.resolve(name + ".safetensors")).isNotEmptyFile();
    }

    @Test
    void aModelIsTrainedResumedUsedAndEvaluated() throws Exception {
        prepare();
        train("tokenizer", 2);
        byte[] two = Files.readAllBytes(model.resolve("tokenizer.safetensors"));
        // Run again, it resumes: first with nothing left to do, then with one update more.
        train("tokenizer", 2);
        assertThat(Files.readAllBytes(model.resolve("tokenizer.safetensors"))).isEqualTo(two);
        train("tokenizer", 3);
        assertThat(Files.readAllBytes(model.resolve("tokenizer.safetensors"))).isNotEqualTo(two);
        train("classifier", 2);
        train("target", 2);
        train("drafter", 2);

        Path image = folder.resolve("images.png");
        assertThat(Main.run("generate", "--model=" + model, "--count=2", "--output=" + image))
                .isZero();
        assertThat(ImageIO.read(image.toFile())).isNotNull();

        Path weak = folder.resolve("model-weak");
        assertThat(Main.run(
                        "train",
                        "drafter",
                        "--steps=1",
                        "--batch=4",
                        "--data=" + data,
                        "--output=" + model,
                        "--drafter=" + weak))
                .isZero();
        assertThat(Main.run("generate", "--model=" + model, "--drafter=" + weak, "--count=2", "--output=" + image))
                .isZero();
        theSweepIsWrittenAndResumed();
    }

    private int evaluate(Path output, String... more) {
        List<String> arguments = new ArrayList<>(List.of("evaluate", "--quick", "--images=4", "--samples=3"));
        arguments.addAll(List.of("--model=" + model, "--data=" + data, "--output=" + output));
        arguments.addAll(List.of(more));
        return Main.run(arguments.toArray(new String[0]));
    }

    private void theSweepIsWrittenAndResumed() throws IOException {
        Path output = folder.resolve("evaluation");
        assertThat(evaluate(output)).isZero();
        JsonNode sweep =
                new ObjectMapper().readTree(output.resolve("sweep.json").toFile());
        for (String figure :
                List.of("test.reconstructionPsnr", "test.classifierAccuracy", "test.negativeLogLikelihoodPerToken")) {
            assertThat(sweep.at("/run/model").get(figure).asDouble()).as(figure).isFinite();
        }
        JsonNode cells = sweep.get("cells");
        assertThat(Files.readAllLines(output.resolve("cells.csv")))
                .hasSize(cells.size() + 1)
                .allSatisfy(line -> assertThat(line.split(",", -1)).hasSameSizeAs(cells.get(0)));
        assertThat(Files.readAllLines(output.resolve("comparisons.csv")))
                .hasSize(sweep.get("comparisons").size() + 1);
        for (JsonNode cell : cells) {
            String name = cell.get("cell").asText();
            double length = cell.get("acceptedLength").asDouble();
            assertThat(length).as(name).isBetween(1.0, cell.get("draftLength").asInt() + 1.0);
            assertThat(length * cell.get("targetPasses").asDouble()).as(name).isCloseTo(49, within(0.01));
            boolean exact = List.of("reference", "target", "lossless")
                    .contains(cell.get("method").asText());
            boolean drifts = !exact
                    && !cell.get("driftPerImage").isNull()
                    && cell.get("driftPerImage").asDouble() > 0;
            assertThat(cell.get("method").asText().equals("lantern++"))
                    .as(name)
                    .isEqualTo(cell.get("driftPerImage").isNull());
            assertThat(drifts)
                    .as(name)
                    .isEqualTo(!exact && !cell.get("driftPerImage").isNull());
            // The second bound is at most the first, and the log-likelihood is that of 16 tokens.
            if (!cell.get("driftPerImage").isNull()) {
                assertThat(cell.get("secondBound").asDouble())
                        .as(name)
                        .isBetween(-1e-9, Math.min(1, cell.get("driftPerImage").asDouble() + 1e-6));
            }
            assertThat(cell.get("logLikelihoodPerToken").asDouble()).as(name).isBetween(-5.0, 0.0);
        }
        assertThat(ImageIO.read(output.resolve("drift-token.png").toFile()).getWidth())
                .isEqualTo(1000);

        // Stopped in the middle: what is there stays as it is, what is not is made as it would have been.
        Path cut = output.resolve("cells").resolve("lossless-eagle-token-L5.0.json");
        Path kept = output.resolve("cells").resolve("target.0.json");
        JsonNode before = new ObjectMapper().readTree(cut.toFile());
        byte[] bytes = Files.readAllBytes(kept);
        Files.delete(cut);
        assertThat(evaluate(output)).isZero();
        JsonNode after = new ObjectMapper().readTree(cut.toFile());
        assertThat(after.get("tokens")).isEqualTo(before.get("tokens"));
        assertThat(after.get("drift")).isEqualTo(before.get("drift"));
        assertThat(Files.readAllBytes(kept)).isEqualTo(bytes);
        JsonNode again =
                new ObjectMapper().readTree(output.resolve("sweep.json").toFile());
        assertThat(again.get("comparisons")).isEqualTo(sweep.get("comparisons"));

        // A sweep of others' images is refused, and so is a file that is none.
        assertThat(evaluate(output, "--seed=1")).isEqualTo(1);
        Files.writeString(kept, "{");
        assertThat(evaluate(output, "--report")).isEqualTo(1);
        assertThat(evaluate(output, "--images=3")).isEqualTo(2);
        assertThat(evaluate(output, "--cells=none")).isEqualTo(2);
    }

    @Test
    void wrongUseIsExitCode2AndMissingDataIs1() throws Exception {
        prepare();
        assertThat(Main.run("train", "tokenizer", "--steps=0", "--output=" + model))
                .isEqualTo(2);
        assertThat(Main.run("train", "painter")).isEqualTo(2);
        Path none = folder.resolve("none");
        assertThat(Main.run("train", "tokenizer", "--data=" + none, "--output=" + model))
                .isEqualTo(1);
        assertThat(Main.run("evaluate", "--data=" + none, "--model=" + model)).isEqualTo(1);
    }
}
