package org.coolsd.spark;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.coolsd.command.CommandRunner;
import org.coolsd.testing.CommandRun;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command line: what it writes, and what it says to bad input. */
class SparkGenerateCommandTest {
    @TempDir
    private Path folder;

    private CommandRun run(String... more) {
        List<String> arguments = new ArrayList<>(List.of(more));
        Map<String, String> defaults = Map.of(
                "--master", "local[2]",
                "--model", OneMachine.FASHION.toString(),
                "--output", folder.resolve("images").toString());
        defaults.forEach((option, value) -> {
            if (!arguments.contains(option)) {
                arguments.addAll(List.of(option, value));
            }
        });
        return CommandRun.of(() -> CommandRunner.execute(new SparkGenerateCommand(), arguments.toArray(String[]::new)));
    }

    private void refused(int code, String words, String... arguments) {
        CommandRun run = run(arguments);
        assertThat(run.error().lines().filter(line -> line.startsWith("coolsd: ")))
                .singleElement()
                .asString()
                .contains(words);
        assertThat(run.code()).isEqualTo(code);
        assertThat(folder.resolve("images")).doesNotExist();
    }

    @Test
    void filesAreTheImagesOfOneMachine() throws Exception {
        CommandRun run = run("--format", "png", "--count", "11", "--images-per-task", "2");
        assertThat(run.code()).as(run.error()).isZero();
        assertThat(run.out()).contains("11 images", "accepted length", "drift");
        try (Stream<Path> files = Files.list(folder.resolve("images"))) {
            assertThat(files).hasSize(11);
        }
        List<OneMachine.Made> alone = OneMachine.images(11);
        for (int i = 0; i < 11; i++) {
            assertThat(Files.readAllBytes(folder.resolve("images/" + String.format("%06d.png", i))))
                    .isEqualTo(alone.get(i).png());
        }
    }

    @Test
    void rowsThatCannotBeMetAreCountedAndTheOthersWritten() throws Exception {
        Path requests = Files.writeString(
                folder.resolve("requests.json"),
                """
                {"class": "Trouser", "seed": 1, "image": "a"}
                {"class": 9, "seed": 2, "image": "b", "options": {"schedule": "lossless", "delta": 1.2}}
                {"class": "spoon", "seed": 3, "image": "c"}
                {"class": "Bag", "seed": 4, "image": "../d"}
                not JSON
                """);
        CommandRun run = run("--requests", requests.toString(), "--format", "png");
        assertThat(run.code()).isEqualTo(1);
        assertThat(run.error().lines().filter(line -> line.startsWith("coolsd: ")))
                .singleElement()
                .asString()
                .contains(
                        "3 of 5 images could not be made, the others are in",
                        "image ../d: image is '../d', as a file's name");
        assertThat(folder.resolve("images/a.png")).isNotEmptyFile();
        assertThat(folder.resolve("images/b.png")).isNotEmptyFile();
        assertThat(folder.resolve("d.png")).doesNotExist();
        Files.writeString(requests, "{\"class\": \"1\", \"seed\": 1, \"image\": \"a\"}\n".repeat(2));
        run = run(
                "--requests",
                requests.toString(),
                "--format",
                "png",
                "--output",
                folder.resolve("other").toString());
        assertThat(run.error()).contains("image is 'a' in 2 rows");
        assertThat(folder.resolve("other")).doesNotExist();
    }

    @Test
    void wrongUsageIsOneLine() throws Exception {
        refused(2, "class is 'shoe', it must be 0..9", "--class", "shoe");
        refused(2, "count is 0", "--count", "0");
        refused(2, "leaves 64 bits", "--count", "2", "--seed", "9223372036854775807");
        refused(2, "--seed does not go with --requests", "--requests", "x.json", "--seed", "1");
        refused(2, "--class and --prompt", "--class", "1", "--prompt", "x");
        refused(2, "--drift-budget chooses the factors itself", "--drift-budget", "1", "--schedule", "lossless");
        refused(2, "draftLength is 65", "--draft-length", "65");
        refused(1, "nowhere", "--model", "nowhere");
        refused(1, "nowhere.json", "--requests", "nowhere.json");
        refused(1, "Could not parse Master URL", "--master", "x");
        CommandRun run =
                run("--output", Files.createDirectory(folder.resolve("there")).toString());
        assertThat(run.code()).isEqualTo(1);
        assertThat(run.error()).contains("there is there already; name a new folder");
    }
}
