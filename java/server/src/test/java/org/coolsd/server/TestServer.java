package org.coolsd.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.coolsd.Sampling;
import org.coolsd.decode.Decoder;
import org.coolsd.decode.Request;
import org.coolsd.images.Decoding;
import org.coolsd.images.Drafts;
import org.coolsd.images.ImageFolder;
import org.coolsd.images.ImagePipeline;
import org.coolsd.images.Png;
import org.coolsd.libtorch.LibTorch;
import org.coolsd.libtorch.Placement;
import org.coolsd.libtorch.Precision;
import org.coolsd.models.Prompt;

/** A server on a free port, over the shipped model or another, and the images that the command line's pipeline makes alone. */
final class TestServer implements AutoCloseable {
    static final Path FASHION = Path.of("..", "..", "models", "fashion");
    static final ObjectMapper JSON = new ObjectMapper();

    final ImageFolder folder;
    final ImagePipeline<?> pipeline;
    final ImageServer server;
    final HttpClient http = HttpClient.newHttpClient();
    private final Alone<?> alone;

    TestServer(ServerOptions options) throws IOException {
        this(FASHION, options);
    }

    TestServer(Path model, ServerOptions options) throws IOException {
        LibTorch.load(1);
        folder = ImageFolder.open(model);
        pipeline = ImagePipeline.load(folder, Precision.fastest(), Placement.cpu());
        alone = new Alone<>(folder, pipeline);
        server = ImageServer.start(folder, pipeline, Precision.fastest(), options.listen("127.0.0.1", 0));
    }

    /** The PNG that {@code generate --count 1} has in its grid: one image, in a decoder of its own. */
    byte[] alone(int label, long seed, Decoding decoding, float guidance) throws IOException {
        return alone.png(label, seed, decoding, guidance);
    }

    /** What the decoding loop makes of one request at a time, kept. */
    private record Alone<C>(ImageFolder folder, ImagePipeline<C> pipeline, Map<List<Object>, byte[]> made) {
        Alone(ImageFolder folder, ImagePipeline<C> pipeline) {
            this(folder, pipeline, new HashMap<>());
        }

        synchronized byte[] png(int label, long seed, Decoding decoding, float guidance) throws IOException {
            List<Object> key = List.of(label, seed, decoding, guidance);
            byte[] known = made.get(key);
            if (known == null) {
                known = make(label, seed, decoding, guidance);
                made.put(key, known);
            }
            return known;
        }

        private byte[] make(int label, long seed, Decoding decoding, float guidance) throws IOException {
            Sampling sampling = folder.sampling().orElseThrow().guidance(guidance);
            Drafts drafts = decoding.isPlain() ? new Drafts.None() : folder.drafts();
            Request<C> request = pipeline.request(new Prompt.Label(label), seed, sampling);
            try (Decoder<C> decoder = pipeline.decoder(guidance != 1, 1, decoding.options(drafts, 1))) {
                int[] tokens = decoder.decode(List.of(request)).get(0).tokens();
                return Png.bytes(pipeline.picture(request.condition(), tokens));
            }
        }
    }

    URI at(String path) {
        return URI.create(server.address() + path);
    }

    HttpRequest.Builder generations(String body) {
        return HttpRequest.newBuilder(at("/v1/images/generations"))
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body));
    }

    HttpResponse<String> generate(String body) throws IOException, InterruptedException {
        return http.send(generations(body).build(), HttpResponse.BodyHandlers.ofString());
    }

    HttpResponse<String> get(String path) throws IOException, InterruptedException {
        return http.send(HttpRequest.newBuilder(at(path)).build(), HttpResponse.BodyHandlers.ofString());
    }

    /** The error of an answer. */
    static JsonNode error(HttpResponse<String> answer) throws IOException {
        return JSON.readTree(answer.body()).get("error");
    }

    /** A stream of events that is read one by one; closing it leaves early. */
    Events events(String body) throws IOException, InterruptedException {
        return new Events(http.send(generations(body).build(), HttpResponse.BodyHandlers.ofInputStream())
                .body());
    }

    /** See {@link TestServer#events}. */
    static final class Events implements AutoCloseable {
        private final BufferedReader lines;

        Events(InputStream in) {
            lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
        }

        /** The data of the next event; null at the end. */
        JsonNode next() throws IOException {
            String name = null;
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (line.startsWith("event: ")) {
                    name = line.substring(7);
                } else if (line.startsWith("data: ")) {
                    JsonNode data = JSON.readTree(line.substring(6));
                    if (!data.get("type").asText().equals(name)) {
                        throw new IOException("the event " + name + " has the type " + data.get("type"));
                    }
                    return data;
                }
            }
            return null;
        }

        @Override
        public void close() throws IOException {
            lines.close();
        }
    }

    /** A figure of /metrics. */
    double metric(String name) throws IOException, InterruptedException {
        return get("/metrics")
                .body()
                .lines()
                .filter(line -> line.startsWith(name + " "))
                .mapToDouble(line -> Double.parseDouble(line.substring(name.length() + 1)))
                .findFirst()
                .orElseThrow();
    }

    @Override
    public void close() {
        server.close();
        pipeline.close();
    }
}
