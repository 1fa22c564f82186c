package org.coolsd.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.api.BugDetectors;
import com.code_intelligence.jazzer.api.SilentCloseable;
import com.code_intelligence.jazzer.junit.FuzzTest;
import com.fasterxml.jackson.databind.JsonNode;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/**
 * Whatever a body is, it is answered with images or refused in one line, and leaves nothing in the batch. Every build replays
 * the corpus in the test resources; Jazzer looks for more with {@code JAZZER_FUZZ=1 mvn test -pl java/server -am
 * -Dtest=BodiesFuzzTest -Dsurefire.failIfNoSpecifiedTests=false}.
 */
class BodiesFuzzTest {
    private static TestServer server;

    @BeforeAll
    static void start() throws Exception {
        server = new TestServer(ServerOptions.standard());
    }

    @AfterAll
    static void nothingIsLeftInside() throws Exception {
        try {
            assertThat(server.metric("coolsd_slots_busy")).isZero();
            assertThat(server.metric("coolsd_queue_images")).isZero();
            assertThat(server.metric("coolsd_requests_total{outcome=\"failed\"}"))
                    .isZero();
            assertThat(server.get("/health").statusCode()).isEqualTo(200);
        } finally {
            server.close();
        }
    }

    @FuzzTest(maxDuration = "10m")
    void body(byte[] bytes) throws Exception {
        HttpResponse<String> answer = answer(bytes);
        assertThat(answer.statusCode()).as(answer.body()).isIn(List.of(200, 400, 404, 413));
        if (answer.statusCode() != 200) {
            JsonNode error = TestServer.error(answer);
            assertThat(error.get("message").asText()).isNotBlank().doesNotContain("\n", "\r");
            assertThat(error.get("type").asText()).isEqualTo("invalid_request_error");
        } else if (answer.headers().firstValue("Content-Type").orElseThrow().startsWith("text/event-stream")) {
            assertThat(answer.body())
                    .contains("event: image_generation.completed\n")
                    .doesNotContain("event: error");
        } else {
            assertThat(TestServer.JSON.readTree(answer.body()).get("data")).isNotEmpty();
        }
    }

    /** Jazzer takes connections for findings, unless they are allowed. */
    private static HttpResponse<String> answer(byte[] bytes) throws Exception {
        try (SilentCloseable allowed = BugDetectors.allowNetworkConnections((host, port) -> true)) {
            return server.http.send(
                    HttpRequest.newBuilder(server.at("/v1/images/generations"))
                            .header("Content-Type", "application/json")
                            .POST(HttpRequest.BodyPublishers.ofByteArray(bytes))
                            .build(),
                    HttpResponse.BodyHandlers.ofString());
        }
    }
}
