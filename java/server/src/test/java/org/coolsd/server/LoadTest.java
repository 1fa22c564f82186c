package org.coolsd.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.coolsd.images.Decoding;
import org.coolsd.images.ScheduleName;
import org.coolsd.images.Verification;
import org.coolsd.libtorch.Precision;
import org.coolsd.server.TestServer.Events;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Clients of all kinds at once: requests with settings of their own, whole and streamed, some that leave early, some malformed,
 * one whose class makes the model give NaN. In every build a few; in full by
 *
 * <pre>mvn test -pl java/server -am -Dtest=LoadTest -Dsurefire.failIfNoSpecifiedTests=false \
 *     -Dcoolsd.load.clients=32 -Dcoolsd.load.requests=1000</pre>
 */
class LoadTest {
    private static final int CLIENTS = Integer.getInteger("coolsd.load.clients", 6);
    private static final int REQUESTS = Integer.getInteger("coolsd.load.requests", 24);
    private static final int ALONE = Math.max(4, REQUESTS / 10);
    private static final int NAN_CLASS = 9;
    /** From so many requests on a fifth of them is more than Java's own warming up. */
    private static final int STEADY = 500;

    /** Memory that a run may add once a fifth of it is over, in MiB: heap that Java had in reserve. */
    private static final long GROWTH = 96;

    /** A request, and what it is to be answered with. */
    private record Setting(String json, Decoding decoding, float guidance) {}

    private static final List<Setting> SETTINGS = List.of(
            new Setting("", Decoding.standard(), 2),
            new Setting(",\"schedule\":\"lossless\"", Decoding.standard().schedule(ScheduleName.LOSSLESS), 2),
            new Setting(
                    ",\"schedule\":\"clamped\",\"delta\":1.5,\"verification\":\"token\",\"draft_length\":8",
                    Decoding.standard()
                            .schedule(ScheduleName.CLAMPED)
                            .delta(1.5)
                            .verification(Verification.TOKEN)
                            .draftLength(8),
                    2),
            new Setting(
                    ",\"drift_budget\":2,\"guidance\":3", Decoding.standard().driftBudget(2), 3),
            new Setting(
                    ",\"schedule\":\"target\",\"guidance\":1",
                    Decoding.standard().schedule(ScheduleName.TARGET),
                    1),
            new Setting(
                    ",\"schedule\":\"entropy\",\"adaptive\":0.5",
                    Decoding.standard().schedule(ScheduleName.ENTROPY).reach(0.5),
                    2));

    private enum Kind {
        WHOLE,
        STREAM,
        LEAVES,
        MALFORMED,
        NAN
    }

    private record Asked(Kind kind, Setting setting, int label, long seed) {
        static Asked of(int i) {
            Kind kind = i % 2 == 0 ? Kind.WHOLE : Kind.STREAM;
            if (i == REQUESTS / 2) {
                kind = Kind.NAN;
            } else if (i % 50 == 7) {
                kind = Kind.MALFORMED;
            } else if (i % 20 == 3) {
                kind = Kind.LEAVES;
            }
            return new Asked(kind, SETTINGS.get(i % SETTINGS.size()), i / 2 % NAN_CLASS, i % 2);
        }

        String body() {
            boolean stream = kind == Kind.STREAM || kind == Kind.LEAVES;
            return "{\"prompt\":\"" + (kind == Kind.NAN ? NAN_CLASS : label) + "\",\"seed\":" + seed + setting.json
                    + (stream ? ",\"stream\":true,\"steps\":true,\"partial_images\":2" : "")
                    + (kind == Kind.MALFORMED ? "" : "}");
        }
    }

    @TempDir
    Path folder;

    private final Map<Integer, byte[]> answers = new ConcurrentHashMap<>();
    private final List<Double> seconds = new ArrayList<>();

    @Test
    void nothingIsLostAndEveryImageIsWhatItIsAlone() throws Exception {
        assumeThat(Precision.fastest()).isEqualTo(Precision.F16);
        try (TestServer server = new TestServer(withNanClass(folder), ServerOptions.standard())) {
            long[] resident = new long[2];
            double wall = run(server, resident);
            double[] latencies = sorted();
            assertCounts(server);
            double alone = oneAtATime(server);
            double[] latenciesAlone = sorted();
            int compared = 0;
            for (Map.Entry<Integer, byte[]> answer : new TreeMap<>(answers).entrySet()) {
                Asked asked = Asked.of(answer.getKey());
                assertThat(answer.getValue())
                        .as("request %d: %s", answer.getKey(), asked.body())
                        .isEqualTo(
                                server.alone(asked.label, asked.seed, asked.setting.decoding, asked.setting.guidance));
                compared++;
            }
            System.out.printf(
                    Locale.ROOT,
                    "%d requests of %d clients: %d images compared, %.1f images/s, latency p50 %.2f s, p99 %.2f s; one at a"
                            + " time: %.1f images/s, p50 %.2f s, p99 %.2f s; resident %d MiB after a fifth, %d MiB at the end%n",
                    REQUESTS,
                    CLIENTS,
                    compared,
                    latencies.length / wall,
                    quantile(latencies, 0.5),
                    quantile(latencies, 0.99),
                    ALONE / alone,
                    quantile(latenciesAlone, 0.5),
                    quantile(latenciesAlone, 0.99),
                    resident[0],
                    resident[1]);
            if (REQUESTS >= STEADY) {
                assertThat(resident[1] - resident[0]).as("growth in MiB").isLessThan(GROWTH);
            }
        }
    }

    /** All requests; returns the seconds that they took together. */
    private double run(TestServer server, long[] resident) throws Exception {
        AtomicInteger next = new AtomicInteger();
        AtomicInteger done = new AtomicInteger();
        ExecutorService clients = Executors.newFixedThreadPool(CLIENTS);
        List<Future<?>> running = new ArrayList<>();
        long start = System.nanoTime();
        for (int c = 0; c < CLIENTS; c++) {
            running.add(clients.submit(() -> {
                for (int i = next.getAndIncrement(); i < REQUESTS; i = next.getAndIncrement()) {
                    ask(server, i);
                    if (done.incrementAndGet() == REQUESTS / 5) {
                        resident[0] = resident();
                    }
                }
                return null;
            }));
        }
        for (Future<?> client : running) {
            client.get();
        }
        double wall = (System.nanoTime() - start) / 1e9;
        resident[1] = resident();
        clients.shutdown();
        return wall;
    }

    private double oneAtATime(TestServer server) throws Exception {
        seconds.clear();
        long start = System.nanoTime();
        int made = 0;
        for (int i = 0; made < ALONE; i++) {
            Kind kind = Asked.of(i % REQUESTS).kind;
            if (kind == Kind.WHOLE || kind == Kind.STREAM) {
                ask(server, i % REQUESTS);
                made++;
            }
        }
        return (System.nanoTime() - start) / 1e9;
    }

    private void ask(TestServer server, int i) throws Exception {
        Asked asked = Asked.of(i);
        long start = System.nanoTime();
        switch (asked.kind) {
            case WHOLE -> {
                HttpResponse<String> answer = server.generate(asked.body());
                assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
                took(start);
                keep(i, TestServer.JSON.readTree(answer.body()).get("data").get(0));
            }
            case STREAM -> {
                JsonNode last = null;
                try (Events events = server.events(asked.body())) {
                    for (JsonNode event = events.next(); event != null; event = events.next()) {
                        last = event;
                    }
                }
                took(start);
                assertThat(last).isNotNull();
                assertThat(last.get("type").asText()).as(last.toString()).isEqualTo("image_generation.completed");
                keep(i, last);
            }
            case LEAVES -> {
                try (Events events = server.events(asked.body())) {
                    assertThat(events.next()).isNotNull();
                }
            }
            case MALFORMED -> assertThat(server.generate(asked.body()).statusCode())
                    .isEqualTo(400);
            case NAN -> {
                HttpResponse<String> answer = server.generate(asked.body());
                assertThat(answer.statusCode()).isEqualTo(500);
                assertThat(TestServer.error(answer).get("message").asText())
                        .contains("image 0 (seed " + asked.seed + ") could not be made")
                        .contains("NAN");
            }
        }
    }

    private void keep(int i, JsonNode image) {
        answers.put(i, Base64.getDecoder().decode(image.get("b64_json").asText()));
    }

    private void took(long start) {
        synchronized (seconds) {
            seconds.add((System.nanoTime() - start) / 1e9);
        }
    }

    private double[] sorted() {
        return seconds.stream().mapToDouble(Double::doubleValue).sorted().toArray();
    }

    private static double quantile(double[] sorted, double q) {
        return sorted[(int) Math.min(sorted.length - 1, Math.ceil(q * sorted.length))];
    }

    /** Every request is counted once, and nothing is left inside. */
    private static void assertCounts(TestServer server) throws Exception {
        Map<Kind, Integer> asked = new TreeMap<>();
        for (int i = 0; i < REQUESTS; i++) {
            asked.merge(Asked.of(i).kind, 1, Integer::sum);
        }
        for (int wait = 0; wait < 100 && inside(server) > 0; wait++) {
            Thread.sleep(100);
        }
        assertThat(inside(server)).isZero();
        assertThat(outcome(server, "failed")).isEqualTo(1);
        assertThat(outcome(server, "refused"))
                .isEqualTo(asked.getOrDefault(Kind.MALFORMED, 0).doubleValue());
        // One that leaves late has its answer on the way.
        int answered = asked.get(Kind.WHOLE) + asked.get(Kind.STREAM);
        assertThat(outcome(server, "ok")).isBetween((double) answered, (double) answered + asked.get(Kind.LEAVES));
        assertThat(outcome(server, "ok") + outcome(server, "gone"))
                .isEqualTo((double) answered + asked.get(Kind.LEAVES));
    }

    private static double inside(TestServer server) throws Exception {
        return server.metric("coolsd_slots_busy") + server.metric("coolsd_queue_images");
    }

    private static double outcome(TestServer server, String name) throws Exception {
        return server.metric("coolsd_requests_total{outcome=\"" + name + "\"}");
    }

    private static long resident() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith("VmRSS:")) {
                return Long.parseLong(line.replaceAll("\\D+", "")) >> 10;
            }
        }
        throw new IOException("this system does not say how much memory is resident");
    }

    /** The shipped model with NaN in the embedding of one class. */
    private static Path withNanClass(Path to) throws IOException {
        for (String name : List.of("config.json", "drafter.safetensors", "tokenizer.safetensors")) {
            Files.copy(TestServer.FASHION.resolve(name), to.resolve(name));
        }
        byte[] file = Files.readAllBytes(TestServer.FASHION.resolve("target.safetensors"));
        ByteBuffer bytes = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
        int header = (int) bytes.getLong(0);
        JsonNode table = TestServer.JSON
                .readTree(Arrays.copyOfRange(file, 8, 8 + header))
                .get("cls_embedding.embedding_table.weight");
        int width = table.get("shape").get(1).asInt();
        int first = 8 + header + table.get("data_offsets").get(0).asInt();
        int size = table.get("dtype").asText().equals("F32") ? Float.BYTES : Short.BYTES;
        // All ones is a NaN in every type.
        Arrays.fill(file, first + NAN_CLASS * width * size, first + (NAN_CLASS + 1) * width * size, (byte) 0xff);
        Files.write(to.resolve("target.safetensors"), file);
        return to;
    }
}
