package org.coolsd.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.coolsd.libtorch.Precision;
import org.coolsd.server.TestServer.Events;
import org.junit.jupiter.api.Test;

/** What the server refuses, gives up, and ends. */
class ImageServerTest {
    private static final String PLAIN = "\"prompt\":\"Bag\",\"schedule\":\"target\",\"seed\":1";

    /** Waits for what is to come within a minute. */
    private static void await(Condition condition) throws Exception {
        for (int i = 0; i < 600 && !condition.holds(); i++) {
            TimeUnit.MILLISECONDS.sleep(100);
        }
        assertThat(condition.holds()).isTrue();
    }

    private interface Condition {
        boolean holds() throws Exception;
    }

    @Test
    void aFullQueueRefusesAndAClientThatLeavesMakesRoom() throws Exception {
        try (TestServer server =
                new TestServer(ServerOptions.standard().batch(1, 1).limits(9, 10, 5))) {
            String whole = "{" + PLAIN + ",\"n\":10}";
            try (Events events = server.events("{" + PLAIN + ",\"n\":10,\"stream\":true,\"steps\":true}")) {
                assertThat(events.next().get("type").asText()).isEqualTo("coolsd.step");
                HttpResponse<String> refused = server.generate(whole);
                assertThat(refused.statusCode()).isEqualTo(429);
                assertThat(refused.headers().firstValueAsLong("Retry-After").orElseThrow())
                        .isBetween(1L, 600L);
                assertThat(TestServer.error(refused).get("code").asText()).isEqualTo("queue_full");
                assertThat(TestServer.error(refused).get("message").asText())
                        .startsWith("9 images wait already, which is all that may; try again in ");
                assertThat(server.metric("coolsd_slots_busy")).isEqualTo(1);
                assertThat(server.metric("coolsd_queue_images")).isEqualTo(9);
            }
            await(() -> server.metric("coolsd_slots_busy") == 0 && server.metric("coolsd_queue_images") == 0);
            // One that waits for a whole answer is missed too.
            CompletableFuture<HttpResponse<String>> left =
                    server.http.sendAsync(server.generations(whole).build(), HttpResponse.BodyHandlers.ofString());
            await(() -> server.metric("coolsd_slots_busy") == 1);
            left.cancel(true);
            await(() -> server.metric("coolsd_slots_busy") == 0);
            assertThat(server.metric("coolsd_requests_total{outcome=\"gone\"}")).isEqualTo(2);
            assertThat(server.metric("coolsd_requests_total{outcome=\"full\"}")).isEqualTo(1);
            assertThat(server.generate("{" + PLAIN + "}").statusCode()).isEqualTo(200);
        }
    }

    @Test
    void aRequestThatTakesTooLongIsGivenUpAndFreesItsSlot() throws Exception {
        ServerOptions hurried = ServerOptions.standard().times(Duration.ofMillis(150), Duration.ofSeconds(30));
        try (TestServer server = new TestServer(hurried)) {
            HttpResponse<String> late = server.generate("{" + PLAIN + ",\"n\":10}");
            assertThat(late.statusCode()).isEqualTo(504);
            assertThat(TestServer.error(late).get("code").asText()).isEqualTo("timeout");
            try (Events events = server.events("{" + PLAIN + ",\"n\":10,\"stream\":true}")) {
                JsonNode last = events.next();
                assertThat(last.get("type").asText()).isEqualTo("error");
                assertThat(last.get("error").get("code").asText()).isEqualTo("timeout");
                assertThat(events.next()).isNull();
            }
            await(() -> server.metric("coolsd_slots_busy") == 0);
            assertThat(server.metric("coolsd_requests_total{outcome=\"timeout\"}"))
                    .isEqualTo(2);
        }
    }

    /** A connection that waits for its images is not idle. */
    @Test
    void aSilentConnectionIsClosedOnlyWhereNothingIsOnItsWay() throws Exception {
        ServerOptions impatient = ServerOptions.standard().times(Duration.ofMinutes(5), Duration.ofMillis(200));
        try (TestServer server = new TestServer(impatient)) {
            HttpResponse<String> answer = server.generate("{" + PLAIN + ",\"n\":4}");
            assertThat(answer.statusCode()).isEqualTo(200);
            double seconds = TestServer.JSON
                    .readTree(answer.body())
                    .get("data")
                    .get(0)
                    .get("seconds")
                    .asDouble();
            assertThat(seconds).isGreaterThan(0.2);
        }
    }

    /** As many clients as there are threads, each of which begins a body and says no more. */
    @Test
    void bodiesThatDoNotComeLeaveTheServerAnswering() throws Exception {
        try (TestServer server = new TestServer(
                ServerOptions.standard().batch(1, 1).times(Duration.ofMinutes(1), Duration.ofSeconds(5)))) {
            List<Socket> slow = new ArrayList<>();
            try {
                for (int i = 0; i < 40; i++) {
                    Socket socket =
                            new Socket("127.0.0.1", server.server.address().getPort());
                    slow.add(socket);
                    socket.getOutputStream()
                            .write(("POST /v1/images/generations HTTP/1.1\r\nHost: localhost\r\n"
                                            + "Content-Type: application/json\r\nContent-Length: 99\r\n\r\n{")
                                    .getBytes(StandardCharsets.US_ASCII));
                }
                await(() -> server.metric("coolsd_requests_total{outcome=\"full\"}") >= 20);
                assertThat(server.get("/health").statusCode()).isEqualTo(200);
                HttpResponse<String> refused = server.generate("{" + PLAIN + "}");
                assertThat(refused.statusCode()).isEqualTo(429);
                assertThat(TestServer.error(refused).get("code").asText()).isEqualTo("busy");
            } finally {
                for (Socket socket : slow) {
                    socket.close();
                }
            }
            await(() -> server.generate("{" + PLAIN + "}").statusCode() == 200);
        }
    }

    @Test
    void drainingAnswersWhatHasComeAndRefusesWhatComes() throws Exception {
        try (TestServer server = new TestServer(ServerOptions.standard().batch(2, 1))) {
            List<CompletableFuture<HttpResponse<String>>> running = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                running.add(server.http.sendAsync(
                        server.generations("{" + PLAIN + ",\"n\":2}").build(), HttpResponse.BodyHandlers.ofString()));
            }
            await(() -> server.metric("coolsd_slots_busy") + server.metric("coolsd_queue_images") == 8);
            CompletableFuture<Void> drained = CompletableFuture.runAsync(() -> {
                try {
                    server.server.drain();
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            });
            await(() -> server.get("/health").statusCode() == 503);
            HttpResponse<String> refused = server.generate("{" + PLAIN + "}");
            assertThat(refused.statusCode()).isEqualTo(503);
            assertThat(TestServer.error(refused).get("code").asText()).isEqualTo("draining");
            drained.join();
            for (CompletableFuture<HttpResponse<String>> answer : running) {
                assertThat(answer.join().statusCode()).isEqualTo(200);
            }
        }
    }

    @Test
    void whatIsNoRequestIsRefusedInOneLine() throws Exception {
        try (TestServer server = new TestServer(ServerOptions.standard())) {
            String long413 = "{\"prompt\":\"" + "x".repeat(70_000) + "\"}";
            assertThat(server.generate(long413).statusCode()).isEqualTo(413);
            HttpRequest form = HttpRequest.newBuilder(server.at("/v1/images/generations"))
                    .header("Content-Type", "text/plain")
                    .POST(HttpRequest.BodyPublishers.ofString("{" + PLAIN + "}"))
                    .build();
            assertThat(server.http
                            .send(form, HttpResponse.BodyHandlers.ofString())
                            .statusCode())
                    .isEqualTo(415);
            assertRefused(server.get("/v1/images/generations"), 405, "has no method GET");
            assertRefused(server.get("/v2/anything"), 404, "there is nothing at /v2/anything");
            assertRefused(server.generate("{" + PLAIN + ",\"size\":\"64x64\"}"), 400, "images of 28x28 only");
            assertRefused(server.generate("[1]"), 400, "the body is no JSON object");
            HttpResponse<String> health = server.get("/health");
            assertThat(health.statusCode()).isEqualTo(200);
            assertThat(health.body()).isEqualTo("{\"status\":\"ok\"}");
            assertThat(server.get("/").body()).contains("<title>coolsd</title>");
            assertThatThrownBy(() -> ImageServer.start(
                            server.folder,
                            server.pipeline,
                            Precision.fastest(),
                            ServerOptions.standard()
                                    .listen("127.0.0.1", server.server.address().getPort())))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("cannot listen on 127.0.0.1:");
        }
    }

    private static void assertRefused(HttpResponse<String> answer, int status, String message) throws IOException {
        assertThat(answer.statusCode()).isEqualTo(status);
        assertThat(answer.headers().firstValue("Content-Type")).contains("application/json");
        assertThat(TestServer.error(answer).get("message").asText())
                .contains(message)
                .doesNotContain("\n");
    }

    /** Whatever way an address is written in, it wants the key; the page and the health do not. */
    @Test
    void onlyThePageAndTheHealthAreOpenWithoutTheKey() throws Exception {
        try (TestServer server = new TestServer(ServerOptions.standard().key(Optional.of("sesame")))) {
            for (String path :
                    List.of("/v1/models", "/V1/models", "//v1/models", "/%761/models", "/metrics", "/none")) {
                assertThat(server.get(path).statusCode()).as(path).isEqualTo(401);
            }
            for (String path : List.of("/", "/app.js", "/run.js", "/style.css", "/health")) {
                assertThat(server.get(path).statusCode()).as(path).isEqualTo(200);
            }
            HttpRequest known = HttpRequest.newBuilder(server.at("/v1/models"))
                    .header("Authorization", "bearer sesame")
                    .build();
            assertThat(server.http
                            .send(known, HttpResponse.BodyHandlers.ofString())
                            .statusCode())
                    .isEqualTo(200);
        }
    }

    /** The steps that a stream tells are the image's. */
    @Test
    void stepsOfAStreamAddUpToItsImage() throws Exception {
        try (TestServer server = new TestServer(ServerOptions.standard());
                Events events = server.events("{\"prompt\":\"Bag\",\"seed\":1,\"stream\":true,\"steps\":true}")) {
            int tokens = 0;
            int steps = 0;
            double drift = 0;
            for (JsonNode event = events.next(); event != null; event = events.next()) {
                if (event.get("type").asText().equals("coolsd.step")) {
                    assertThat(event.get("position").asInt()).isEqualTo(tokens);
                    assertThat(event.get("cell").asInt()).isEqualTo(tokens);
                    assertThat(event.get("columns").asInt() * event.get("rows").asInt())
                            .isEqualTo(196);
                    int accepted = event.get("accepted").asInt();
                    assertThat(event.get("kind").asText())
                            .isEqualTo(accepted < event.get("drafted").size() ? "resampled" : "bonus");
                    assertThat(event.get("tokens")).hasSize(accepted + 1);
                    tokens += accepted + 1;
                    drift += event.get("drift").asDouble();
                    steps++;
                } else {
                    assertThat(event.get("type").asText()).isEqualTo("image_generation.completed");
                    assertThat(event.get("steps").asInt()).isEqualTo(steps);
                    assertThat(event.get("drift").asDouble()).isEqualTo(drift);
                    assertThat(tokens).isEqualTo(196);
                    steps = -1;
                }
            }
            assertThat(steps).isEqualTo(-1);
        }
    }
}
