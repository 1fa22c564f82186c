package org.coolsd.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code coolsd serve} as a process of its own. */
class ServeCommandTest {
    private static final Path FASHION = Path.of("..", "..", "models", "fashion");
    private static final Pattern PICTURE = Pattern.compile("\"b64_json\":\"([^\"]+)\"");
    private final HttpClient http = HttpClient.newHttpClient();

    @TempDir
    private Path folder;

    private static Process serve(String... more) throws Exception {
        List<String> command = new ArrayList<>(List.of(
                "env",
                "--default-signal=HUP,INT,TERM",
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Dorg.bytedeco.javacpp.maxPhysicalBytes=0",
                "-Djava.awt.headless=true",
                "-cp",
                System.getProperty("java.class.path"),
                "org.coolsd.cli.Main",
                "serve",
                "--port=0",
                "--model=" + FASHION));
        command.addAll(List.of(more));
        return new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
    }

    /** The address in the line with which the server says that it listens. */
    private static URI address(BufferedReader out) throws Exception {
        String line = out.readLine();
        assertThat(line).contains("serving ", " on http://127.0.0.1:", "8 images side by side");
        Matcher address = Pattern.compile("http://[0-9.:]+").matcher(line);
        assertThat(address.find()).isTrue();
        return URI.create(address.group());
    }

    private HttpRequest generations(URI server, String body) {
        return HttpRequest.newBuilder(server.resolve("/v1/images/generations"))
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body))
                .build();
    }

    /** What runs or waits when the signal comes is answered, what comes later is not, and the exit code is 0. */
    @Test
    void aSignalUnderLoadLetsRunningRequestsEnd() throws Exception {
        Process process = serve();
        try (BufferedReader out = process.inputReader()) {
            URI server = address(out);
            Path files = folder.resolve("files");
            assertThat(Main.run(
                            "generate",
                            "--model=" + FASHION,
                            "--class=Bag",
                            "--seed=5",
                            "--count=2",
                            "--files=" + files,
                            "--output=" + folder.resolve("grid.png")))
                    .isZero();
            List<byte[]> expected = pictures(files);
            List<CompletableFuture<HttpResponse<String>>> running = new ArrayList<>();
            for (int i = 0; i < 12; i++) {
                String body = "{\"prompt\":\"Bag\",\"seed\":5,\"n\":2}";
                running.add(http.sendAsync(generations(server, body), HttpResponse.BodyHandlers.ofString()));
            }
            awaitImages(server, 24);
            new ProcessBuilder("kill", "-TERM", Long.toString(process.pid()))
                    .start()
                    .waitFor();
            assertThat(out.readLine()).startsWith("ending: requests that have come are answered");
            HttpResponse<String> late =
                    http.send(generations(server, "{\"prompt\":\"Bag\"}"), HttpResponse.BodyHandlers.ofString());
            assertThat(late.statusCode()).isEqualTo(503);
            assertThat(late.body()).contains("\"code\":\"draining\"");
            for (CompletableFuture<HttpResponse<String>> answer : running) {
                HttpResponse<String> answered = answer.get(1, TimeUnit.MINUTES);
                assertThat(answered.statusCode()).as(answered.body()).isEqualTo(200);
                Matcher pictures = PICTURE.matcher(answered.body());
                for (byte[] picture : expected) {
                    assertThat(pictures.find()).isTrue();
                    assertThat(Base64.getDecoder().decode(pictures.group(1))).isEqualTo(picture);
                }
            }
            assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
            assertThat(process.exitValue()).isZero();
        } finally {
            process.destroyForcibly();
        }
    }

    /** What {@code generate --files} has written, in the order of the seeds. */
    private static List<byte[]> pictures(Path files) throws IOException {
        List<byte[]> pictures = new ArrayList<>();
        try (Stream<Path> all = Files.list(files)) {
            for (Path file : all.sorted().toList()) {
                pictures.add(Files.readAllBytes(file));
            }
        }
        assertThat(pictures).hasSize(2);
        return pictures;
    }

    private void awaitImages(URI server, int images) throws Exception {
        for (int i = 0; i < 600; i++) {
            String metrics = http.send(
                            HttpRequest.newBuilder(server.resolve("/metrics")).build(),
                            HttpResponse.BodyHandlers.ofString())
                    .body();
            double inside = metrics.lines()
                    .filter(line -> line.matches("coolsd_(slots_busy|queue_images) .*"))
                    .mapToDouble(line -> Double.parseDouble(line.split(" ")[1]))
                    .sum();
            if (inside == images) {
                return;
            }
            TimeUnit.MILLISECONDS.sleep(10);
        }
        throw new AssertionError("the requests did not come");
    }

    @Test
    void whatCannotBeServedIsSaidInOneLine() throws Exception {
        refused(2, "port is 70000, it must be 0..65535", "--port=70000");
        refused(2, "a request may have 10 images, slots and queue have room for 3", "--batch=3", "--queue=0");
        refused(2, "batch is 0, it must be 1..256", "--batch=0");
        refused(1, "no such folder", "--model=" + folder.resolve("none"));
        refused(1, "key: no such file or folder", "--api-key-file=" + folder.resolve("key"));
        Path blank = Files.writeString(folder.resolve("blank"), "\n");
        refused(2, "the API key is empty", "--api-key-file=" + blank);
        refused(1, "cannot listen on 192.0.2.1:", "--host=192.0.2.1", "--model=" + FASHION);
    }

    private static void refused(int code, String message, String... arguments) {
        PrintStream before = System.err;
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        System.setErr(new PrintStream(said, true, StandardCharsets.UTF_8));
        List<String> all = new ArrayList<>(List.of("serve"));
        all.addAll(List.of(arguments));
        try {
            assertThat(Main.run(all.toArray(String[]::new)))
                    .as(said.toString(StandardCharsets.UTF_8))
                    .isEqualTo(code);
        } finally {
            System.setErr(before);
        }
        assertThat(said.toString(StandardCharsets.UTF_8).lines().toList())
                .as(said.toString(StandardCharsets.UTF_8))
                .anySatisfy(line -> assertThat(line).startsWith("coolsd: ").contains(message));
    }
}
