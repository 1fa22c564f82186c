package org.coolsd.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.awt.image.BufferedImage;
import java.io.BufferedReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.global.torch;
import org.coolsd.images.ModelFolder;
import org.coolsd.libtorch.Precision;
import org.coolsd.libtorch.TensorFiles;
import org.coolsd.libtorch.Weights;
import org.coolsd.models.eagle.EagleDrafter;
import org.coolsd.models.llamagen.LlamaGen;
import org.coolsd.models.vq.VqTokenizer;
import org.coolsd.testing.CommandRun;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command line on a tiny model with random weights: what it writes, and what it says to bad input. */
class CommandLineTest {
    private static final String CONFIG =
            """
            {"classes": ["hat", "coat"], "guidance": 1.5,
             "tokenizer": {"codebook_size": 16, "codebook_embed_dim": 4, "codebook_l2_norm": true, "ch": 32,
               "ch_mult": [1, 2], "z_channels": 32, "num_res_blocks": 1},
             "target": {"dim": 32, "n_layer": 2, "n_head": 2, "multiple_of": 32, "rope_base": 10000, "norm_eps": 1e-5,
               "num_classes": 2, "vocab_size": 16, "cls_token_num": 1, "block_size": 16},
             "drafter": {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 2, "rms_norm_eps": 1e-6,
               "vocab_size": 16}}
            """;

    @TempDir
    private Path folder;

    private Path model;

    @BeforeEach
    void tinyModel() throws Exception {
        model = Files.createDirectory(folder.resolve("model"));
        Files.writeString(model.resolve("config.json"), CONFIG);
        ModelFolder.Config config = ModelFolder.open(model).config();
        torch.manual_seed(1);
        Weights target = LlamaGen.initialise(config.target());
        save("target", target);
        save("drafter", EagleDrafter.initialise(config.drafter(), target.get("tok_embeddings.weight", 16, 32)));
        save("tokenizer", VqTokenizer.initialise(config.tokenizer()));
    }

    private void save(String name, Weights weights) throws Exception {
        TensorFiles.write(model.resolve(name + ".safetensors"), weights.tensors(), Map.of());
    }

    private CommandRun run(String... more) {
        List<String> arguments = new ArrayList<>(List.of("generate", "--model", model.toString()));
        arguments.addAll(List.of(more));
        if (!arguments.contains("--count")) {
            arguments.addAll(List.of("--count", "3"));
        }
        if (!arguments.contains("--output")) {
            arguments.addAll(List.of("--output", folder.resolve("images.png").toString()));
        }
        return capture(arguments.toArray(new String[0]));
    }

    private static CommandRun capture(String... arguments) {
        return CommandRun.of(() -> Main.run(arguments));
    }

    private void refused(int code, String words, String... arguments) throws Exception {
        CommandRun run = run(arguments);
        assertThat(run.error()).startsWith("coolsd: ").contains(words);
        assertThat(run.error().lines()).hasSize(1);
        assertThat(run.out()).isEmpty();
        assertThat(run.code()).isEqualTo(code);
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files).as("nothing is left behind").containsExactly(model);
        }
    }

    @Test
    void generateWritesAGridAndSaysWhatItDid() throws Exception {
        Path json = folder.resolve("stats.json");
        CommandRun run = run("--json", json.toString());
        assertThat(run.error()).doesNotContain("coolsd: ");
        assertThat(run.code()).isZero();
        assertThat(run.out()).contains("3 images", "tokens/s", "accepted length", "drift", "docs/operation.md", "cpu");
        assertThat(run.out()).as("nothing is made twice unless asked").doesNotContain("plain sampling");
        BufferedImage grid = ImageIO.read(folder.resolve("images.png").toFile());
        assertThat(grid.getWidth()).isEqualTo((2 * 10 + 2) * 4);
        JsonNode figures = new ObjectMapper().readTree(json.toFile());
        assertThat(figures.get("images").asInt()).isEqualTo(3);
        assertThat(figures.get("acceptedLength").asDouble()).isBetween(1.0, 6.0);
    }

    @Test
    void filesHaveThePixelsOfTheGrid() throws Exception {
        Path files = folder.resolve("a/files");
        assertThat(run("--files", files.toString()).code()).isZero();
        BufferedImage grid = ImageIO.read(folder.resolve("images.png").toFile());
        for (int i = 0; i < 3; i++) {
            BufferedImage one = ImageIO.read(files.resolve("00000" + i + ".png").toFile());
            assertThat(one.getWidth()).isEqualTo(8);
            assertThat(one.getHeight()).isEqualTo(8);
            for (int y = 0; y < 8; y++) {
                for (int x = 0; x < 8; x++) {
                    // Two columns, a gap of 2, pixels of 4 by 4.
                    assertThat(one.getRGB(x, y))
                            .isEqualTo(grid.getRGB((2 + i % 2 * 10 + x) * 4, (2 + i / 2 * 10 + y) * 4));
                }
            }
        }
    }

    @Test
    void theSameSeedGivesTheSameFileAndAnotherSeedAnother() throws Exception {
        Path image = folder.resolve("images.png");
        run("--seed", "7");
        byte[] first = Files.readAllBytes(image);
        run("--seed", "7");
        assertThat(Files.readAllBytes(image)).isEqualTo(first);
        run("--seed", "70");
        assertThat(Files.readAllBytes(image)).isNotEqualTo(first);
    }

    @Test
    void batchesAndThreadsGiveTheSameFile() throws Exception {
        Path image = folder.resolve("images.png");
        run("--count", "7");
        byte[] alone = Files.readAllBytes(image);
        for (String[] how : new String[][] {{"--batch", "3"}, {"--threads", "2"}, {"--batch", "4", "--threads", "2"}}) {
            List<String> arguments = new ArrayList<>(List.of("--count", "7"));
            arguments.addAll(List.of(how));
            assertThat(run(arguments.toArray(new String[0])).code()).isZero();
            // Other precisions than FBGEMM's may round rows of a larger product otherwise.
            if (Precision.fastest() == Precision.F16) {
                assertThat(Files.readAllBytes(image)).as(arguments.toString()).isEqualTo(alone);
            }
        }
    }

    @Test
    void everyPrecisionAndAdaptiveDraftsGenerate() {
        for (String precision : List.of("f16", "bf16", "f32")) {
            assertThat(run("--precision", precision).code()).as(precision).isZero();
        }
        assertThat(run("--adaptive", "0.4", "--draft-length", "8").code()).isZero();
    }

    @Test
    void everyScheduleGenerates() {
        for (String schedule :
                List.of("target", "lossless", "uniform", "exponential", "linear", "clamped", "geometric")) {
            assertThat(run("--schedule", schedule, "--class", "coat").code())
                    .as(schedule)
                    .isZero();
        }
    }

    /** What drafts come from changes how many tokens a step yields, never what a lossless image may be. */
    @Test
    void everyDrafterGenerates() throws Exception {
        for (String drafter : List.of("eagle", "jacobi", "coupled", "none", model.toString())) {
            Path json = folder.resolve("stats.json");
            CommandRun run = run("--drafter", drafter, "--window", "3", "--json", json.toString());
            assertThat(run.code()).as(run.error()).isZero();
            JsonNode figures = new ObjectMapper().readTree(json.toFile());
            assertThat(figures.get("acceptedLength").asDouble())
                    .as(drafter)
                    .isBetween(drafter.equals("none") ? 1.0 : 1.01, drafter.equals("none") ? 1.0 : 4.0);
            assertThat(figures.get("schedule").asText())
                    .contains(
                            drafter.equals("none") ? "plain sampling" : drafter.equals("jacobi") ? "jacobi" : "L = 3");
        }
    }

    /** Drafts of the target alone need no drafter, and a folder without one has them by default. */
    @Test
    void aModelWithoutADrafterDraftsByItself() throws Exception {
        Files.delete(model.resolve("drafter.safetensors"));
        Files.writeString(model.resolve("config.json"), CONFIG.replaceAll("(?s),\\s*\"drafter\": \\{[^}]*\\}", ""));
        CommandRun run = run();
        assertThat(run.code()).as(run.error()).isZero();
        Files.delete(folder.resolve("images.png"));
        refused(
                1,
                "no drafter in it; name the folder of one, or draft without one: jacobi or coupled",
                "--drafter",
                "eagle");
        refused(1, "nowhere", "--drafter", folder.resolve("nowhere").toString());
    }

    @Test
    void wrongUseIsOneLineAndExitCode2() throws Exception {
        refused(
                2,
                "--drafter coupled goes with --verification token",
                "--drafter",
                "coupled",
                "--verification",
                "block");
        refused(2, "--drafter jacobi keeps its rows in host memory", "--drafter", "jacobi", "--device", "cuda");
        refused(2, "draftLength is 65", "--window", "65");
        refused(2, "this model makes images of a class", "--prompt", "a cat");
        refused(2, "class is 'shoe'", "--class", "shoe");
        refused(2, "delta is -1.0", "--delta", "-1");
        refused(2, "draftLength is 65", "--draft-length", "65");
        refused(2, "temperature is -2.0", "--temperature", "-2");
        refused(2, "count is 0", "--count", "0");
        refused(2, "threads is 0", "--threads", "0");
        refused(2, "batch is 257", "--batch", "257");
        refused(2, "reach is 2.0", "--adaptive", "2");
        refused(2, "device is 'gpu'", "--device", "gpu");
        refused(2, "--precision", "--precision", "int4");
        refused(2, "--schedule", "--schedule", "fast");
        refused(2, "--colour", "--colour");
    }

    @Test
    void failuresAreOneLineAndExitCode1() throws Exception {
        refused(
                1,
                "there is no folder",
                "--output",
                folder.resolve("none/images.png").toString());
        refused(1, "is a folder", "--output", folder.toString());
        refused(1, "no CUDA device 0: ", "--device", "cuda");
        Path target = model.resolve("target.safetensors");
        byte[] whole = Files.readAllBytes(target);
        Files.write(target, java.util.Arrays.copyOf(whole, whole.length / 2));
        refused(1, "target.safetensors");
        Files.write(target, new byte[] {1, 2, 3}, StandardOpenOption.TRUNCATE_EXISTING);
        refused(1, "target.safetensors");
        Files.delete(target);
        refused(1, "no such file");
        Files.writeString(model.resolve("config.json"), "{");
        refused(1, "config.json");
        Files.writeString(model.resolve("config.json"), CONFIG.replace("\"dim\": 32", "\"dim\": 64"));
        Files.write(target, whole);
        refused(1, "dim is 64, the tensors of target.safetensors have 32");
    }

    /**
     * The first run of a fresh user, with an empty cache and with another libtorch where the dynamic linker looks: a file
     * that it could not load, so that picking it up fails.
     */
    @Test
    void theFirstRunTakesNoOtherLibtorch() throws Exception {
        Path system = Files.createDirectory(folder.resolve("system"));
        for (String name : List.of("libtorch_cpu.so", "libtorch.so", "libc10.so")) {
            Files.writeString(system.resolve(name), "not a library");
        }
        ProcessBuilder fresh = process("-Dorg.bytedeco.javacpp.cachedir=" + folder.resolve("cache"));
        fresh.command().addAll(List.of("--count=1", "--output=" + folder.resolve("first.png")));
        fresh.environment().put("LD_LIBRARY_PATH", system.toString());
        Process process = fresh.redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(said).isZero();
        assertThat(folder.resolve("cache")).isNotEmptyDirectory();
        assertThat(folder.resolve("first.png")).isNotEmptyFile();
    }

    /** Stopped in the middle: the process ends at once with the signal's code, and what stood in the file's place still does. */
    @Test
    void stoppedInTheMiddle() throws Exception {
        Path image = folder.resolve("images.png");
        Files.writeString(image, "before");
        for (Map.Entry<String, Integer> signal :
                Map.of("HUP", 129, "INT", 130, "TERM", 143, "KILL", 137).entrySet()) {
            ProcessBuilder long10000 = process("-Dx=" + signal);
            long10000.command().addAll(List.of("--count=10000", "--precision=f32", "--output=" + image));
            Process process = underSignals(long10000).redirectErrorStream(true).start();
            awaitDecoding(process);
            kill(process, signal.getKey());
            assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
            assertThat(process.exitValue()).as(signal.getKey()).isEqualTo(signal.getValue());
            assertThat(image).hasContent("before");
            try (Stream<Path> files = Files.list(folder)) {
                assertThat(files).containsExactlyInAnyOrder(model, image);
            }
        }
    }

    /** Ctrl-C during the comparison loses nothing: the image and the figures are there before it begins. */
    @Test
    void stoppedDuringTheComparison() throws Exception {
        Path image = folder.resolve("images.png");
        ProcessBuilder compared = process("-XX:-UsePerfData");
        compared.command().addAll(List.of("--count=256", "--batch=256", "--compare", "--output=" + image));
        Process process = underSignals(compared).start();
        try (BufferedReader out = process.inputReader()) {
            assertThat(out.readLine()).contains("256 images");
            assertThat(ImageIO.read(image.toFile())).isNotNull();
            assertThat(out.readLine()).startsWith("drift");
            kill(process, "INT");
            assertThat(out.lines()).isEmpty();
        }
        assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).isEqualTo(130);
        assertThat(ImageIO.read(image.toFile())).isNotNull();
    }

    /** With the signals as a terminal's process has them, even if whoever runs the tests ignores some. */
    private static ProcessBuilder underSignals(ProcessBuilder builder) {
        List<String> command = new ArrayList<>(List.of("env", "--default-signal=HUP,INT,TERM"));
        command.addAll(builder.command());
        return builder.command(command);
    }

    /** Waits until the process has the verifier's library, which it loads last. */
    private static void awaitDecoding(Process process) throws Exception {
        Path maps = Path.of("/proc", Long.toString(process.pid()), "maps");
        while (process.isAlive() && !Files.readString(maps).contains("libcoolsd")) {
            Thread.sleep(20);
        }
        assertThat(process.isAlive()).isTrue();
    }

    private static void kill(Process process, String signal) throws Exception {
        new ProcessBuilder("kill", "-" + signal, Long.toString(process.pid()))
                .start()
                .waitFor();
    }

    @Test
    void compareSaysHowMuchFasterItIs() throws Exception {
        Path json = folder.resolve("stats.json");
        CommandRun run = run("--compare", "--json", json.toString());
        assertThat(run.code()).isZero();
        assertThat(run.out()).contains("times as fast as plain sampling of the same images");
        JsonNode figures = new ObjectMapper().readTree(json.toFile());
        assertThat(figures.get("speedUpOverPlainSampling").asDouble()).isPositive();
        assertThat(figures.get("imagesCompared").asInt()).isEqualTo(2);
        Files.delete(json);
        Files.delete(folder.resolve("images.png"));
        refused(2, "--compare has nothing to compare", "--compare", "--schedule", "target");
    }

    /** A class whose row of the table is NaN: its images fail, the others are written, alone and in a batch. */
    @Test
    void aBadImageTakesNoOtherWithIt() throws Exception {
        Weights target = LlamaGen.initialise(ModelFolder.open(model).config().target());
        target.tensors()
                .get("cls_embedding.embedding_table.weight")
                .narrow(0, 1, 1)
                .fill_(new Scalar(Float.NaN));
        save("target", target);
        for (String batch : List.of("1", "3")) {
            CommandRun run = run("--batch", batch, "--precision", "f32");
            assertThat(run.code()).isEqualTo(1);
            assertThat(run.error().lines()).hasSize(1);
            assertThat(run.error())
                    .startsWith("coolsd: 1 of 3 images could not be made, the others are in ")
                    .contains("image 1 (class 1, seed 1): ", "NAN");
            assertThat(run.out()).contains("2 images");
            BufferedImage grid = ImageIO.read(folder.resolve("images.png").toFile());
            assertThat(grid.getWidth()).isEqualTo((2 * 10 + 2) * 4);
            assertThat(grid.getHeight()).as("one row").isEqualTo((10 + 2) * 4);
            Files.delete(folder.resolve("images.png"));
        }
        refused(1, "no image could be made; image 0 (class 1, seed 0)", "--class", "coat");
    }

    /** Errors that are no exceptions: a library that is not there, a heap that is too small, in the process as users start it. */
    @Test
    void whateverIsThrownIsOneLineAndExitCode1() throws Exception {
        assertThat(said("-Dcoolsd.library.path=/nonexistent"))
                .startsWith("coolsd: cannot load the native library from coolsd.library.path=/nonexistent: ");
        assertThat(said("-Xmx8m")).startsWith("coolsd: out of memory (").contains("COOLSD_JAVA_OPTIONS=-Xmx4g");
        assertThat(said("-Dorg.bytedeco.javacpp.pathsFirst=true", "-Dorg.bytedeco.javacpp.platform=none"))
                .startsWith("coolsd: no LibTorch for none on the class path");
    }

    private String said(String... options) throws Exception {
        ProcessBuilder builder = process("-XX:-UsePerfData");
        builder.command().addAll(2, List.of(options));
        builder.command().addAll(List.of("--count=1", "--output=" + folder.resolve("images.png")));
        Process process = builder.start();
        String error = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(error).isEqualTo(1);
        assertThat(error.lines()).as(error).hasSize(1);
        assertThat(folder.resolve("images.png")).doesNotExist();
        return error;
    }

    @Test
    void theDriftIsExplained() {
        assertThat(GenerateCommand.drift(0, 196)).contains("exactly the law of the target", "docs/operation.md");
        assertThat(GenerateCommand.drift(0.5, 196)).contains("drift 0.50", "also bounds the total variation");
        assertThat(GenerateCommand.drift(9.8, 196)).contains("196 tokens (5.0 %)", "bounds nothing about whole images");
    }

    @Test
    void theCompletionScriptKnowsEveryCommand() {
        CommandRun run = capture("completion");
        assertThat(run.code()).isZero();
        assertThat(run.out())
                .contains("complete -F _complete_coolsd", "--schedule", "bench", "spark-generate", "train", "clamped");
    }

    @Test
    void withoutACommandItSaysWhichThereAre() {
        CommandRun run = capture();
        assertThat(run.code()).isEqualTo(2);
        assertThat(run.out()).isEmpty();
        assertThat(run.error()).contains("generate", "evaluate", "train", "completion", "For example: ");
    }

    @Test
    void everyCommandHasAVersion() {
        for (String[] arguments : new String[][] {{"--version"}, {"train", "--version"}, {"evaluate", "-V"}}) {
            CommandRun run = capture(arguments);
            assertThat(run.code()).isZero();
            assertThat(run.out()).matches("(?s)coolsd \\d+\\.\\d+\\.\\d+.*LibTorch 2\\..*Java .*");
        }
    }

    /** No room for the file: one line, nothing half written, and whatever stood in its place still does. */
    @Test
    void outOfDisk() throws Exception {
        Path image = folder.resolve("images.png");
        Files.writeString(image, "before");
        ProcessBuilder cramped = process("-XX:-UsePerfData");
        cramped.command().addAll(List.of("--count=400", "--output=" + image));
        List<String> limited = new ArrayList<>(List.of("bash", "-c", "ulimit -f 4; exec \"$@\"", "bash"));
        limited.addAll(cramped.command());
        Process process = cramped.command(limited).start();
        String said = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(said).isEqualTo(1);
        assertThat(said.lines().filter(line -> line.startsWith("coolsd: "))).hasSize(1);
        assertThat(image).hasContent("before");
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files).containsExactlyInAnyOrder(model, image);
        }
    }

    /** A command line in a process of its own; the rest of the arguments is to be added. */
    private ProcessBuilder process(String option) {
        return new ProcessBuilder(new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                option,
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName(),
                "generate",
                "--model=" + model)));
    }
}
