package org.coolsd.server;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.javalin.Javalin;
import io.javalin.compression.CompressionStrategy;
import io.javalin.config.JavalinConfig;
import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import io.javalin.http.HttpResponseException;
import java.io.IOException;
import java.net.URI;
import org.coolsd.Sampling;
import org.coolsd.images.CaptionEncoder;
import org.coolsd.images.ImageFolder;
import org.coolsd.images.ImagePipeline;
import org.coolsd.libtorch.Precision;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.util.thread.QueuedThreadPool;

/**
 * Serves images of a model folder over HTTP: OpenAI's images API, {@code /metrics}, {@code /health}, and a page to try it
 * with (docs/serving.md).
 */
public final class ImageServer implements AutoCloseable {
    /** Threads beside those that wait for images: for what is refused, the page, health, metrics, and Jetty itself. */
    private static final int OTHER_THREADS = 24;

    private final ServerOptions options;
    private final ServerMeters meters;
    private final Admission admission;
    private final ImageEngine<?> engine;
    private final Generations<?> generations;
    private final ModelCard card;
    private final String model;
    private final Javalin app;

    private ImageServer(
            ImageFolder folder,
            ServerOptions options,
            Sampling sampling,
            ServerMeters meters,
            Admission admission,
            ImageEngine<?> engine) {
        this.options = options;
        this.meters = meters;
        this.admission = admission;
        this.engine = engine;
        model = ModelCard.id(folder);
        card = new ModelCard(folder, engine.pipeline().target().classes(), sampling, options);
        generations = generations(engine, new RequestReader(model, options, sampling), options, meters);
        app = Javalin.create(this::configure);
    }

    private static <C> Generations<C> generations(
            ImageEngine<C> engine, RequestReader reader, ServerOptions options, ServerMeters meters) {
        return new Generations<>(engine, reader, options, meters);
    }

    /**
     * Starts to listen.
     *
     * @param folder where {@code pipeline} comes from
     * @param pipeline the models, which outlive the server
     * @param precision that captions are encoded with
     * @throws IOException in one line, if the address cannot be listened on, or the model reads text and has no encoder
     */
    public static ImageServer start(
            ImageFolder folder, ImagePipeline<?> pipeline, Precision precision, ServerOptions options)
            throws IOException {
        if (pipeline.target().readsEmbeddings()
                && CaptionEncoder.find(folder.path()).isEmpty()) {
            throw new IOException(folder.path().resolve("encoder")
                    + ": no such folder; to read text this model needs the encoder of flan-t5-xl there");
        }
        Sampling sampling = folder.sampling().orElse(pipeline.target().sampling());
        ServerMeters meters = new ServerMeters(options.slots());
        Admission admission = new Admission(options.slots(), options.queue(), meters);
        meters.watch(admission::inside);
        ImageEngine<?> engine = new ImageEngine<>(folder, pipeline, precision, options, admission, meters);
        try {
            ImageServer server = new ImageServer(folder, options, sampling, meters, admission, engine);
            server.app.start();
            return server;
        } catch (RuntimeException e) {
            engine.close();
            throw new IOException(
                    "cannot listen on " + options.host() + ":" + options.port() + ": " + rootMessage(e)
                            + "; name another with --host and --port",
                    e);
        }
    }

    private static String rootMessage(Throwable e) {
        Throwable root = e;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        return String.valueOf(root.getMessage());
    }

    private void configure(JavalinConfig config) {
        config.startup.showJavalinBanner = false;
        config.startup.showOldJavalinVersionWarning = false;
        config.startup.startupWatcherEnabled = false;
        config.http.compressionStrategy = CompressionStrategy.NONE;
        config.http.prefer405over404 = true;
        QueuedThreadPool threads = new QueuedThreadPool(options.slots() + options.queue() + OTHER_THREADS, 8, 60_000);
        threads.setName("coolsd-http");
        config.jetty.threadPool = threads;
        config.jetty.addConnector(this::connector);
        RoutesConfig routes = config.routes;
        routes.before(this::authorise);
        routes.post("/v1/images/generations", generations::handle);
        routes.get("/v1/models", this::models);
        routes.get("/v1/models/{id}", this::model);
        routes.get("/health", this::health);
        routes.get("/metrics", ctx -> ctx.contentType("text/plain; version=0.0.4; charset=utf-8")
                .result(meters.text()));
        WebPage.serve(routes);
        routes.exception(ApiError.class, ImageServer::refuse);
        routes.exception(ClientGoneException.class, (e, ctx) -> ctx.status(499));
        routes.exception(StreamBrokenException.class, (e, ctx) -> {});
        routes.exception(HttpResponseException.class, ImageServer::refuse);
        routes.exception(Exception.class, (e, ctx) -> {
            System.err.println("coolsd: " + ctx.req().getMethod() + " " + ctx.path() + " failed: " + e);
            refuse(ApiError.failed("the server failed: " + e.getClass().getSimpleName()), ctx);
        });
    }

    private ServerConnector connector(Server server, HttpConfiguration http) {
        ServerConnector connector = new ServerConnector(server, new HttpConnectionFactory(http));
        connector.setHost(options.host());
        connector.setPort(options.port());
        connector.setIdleTimeout(options.idle().toMillis());
        return connector;
    }

    /** The page and the health can be asked for without a key; all else wants it, however its address is written. */
    private void authorise(Context ctx) throws ApiError {
        if (options.apiKey().isPresent()
                && !ctx.path().equals("/health")
                && !WebPage.addresses().contains(ctx.path())) {
            new ApiKey(options.apiKey().get()).require(ctx.header("Authorization"));
        }
    }

    private void models(Context ctx) {
        ObjectNode list = JsonNodeFactory.instance.objectNode();
        list.put("object", "list");
        list.putArray("data").add(card.json());
        json(ctx, list);
    }

    private void model(Context ctx) throws ApiError {
        if (!ctx.pathParam("id").equals(model)) {
            throw ApiError.model(RequestReader.shortened(ctx.pathParam("id")), model);
        }
        json(ctx, card.json());
    }

    private void health(Context ctx) {
        String state = engine.isBroken() ? "broken" : admission.isDraining() ? "draining" : "ok";
        ctx.status(state.equals("ok") ? 200 : 503);
        json(ctx, JsonNodeFactory.instance.objectNode().put("status", state));
    }

    private static void json(Context ctx, ObjectNode body) {
        ctx.contentType("application/json").result(body.toString());
    }

    private static void refuse(ApiError error, Context ctx) {
        if (error.retryAfter() > 0) {
            ctx.header("Retry-After", Integer.toString(error.retryAfter()));
        }
        if (error.status() == 503) {
            ctx.header("Connection", "close");
        }
        ctx.status(error.status());
        json(ctx, error.body());
    }

    /** What Javalin itself refuses. */
    private static void refuse(HttpResponseException e, Context ctx) {
        ApiError error =
                switch (e.getStatus()) {
                    case 404 -> ApiError.address(RequestReader.shortened(ctx.path()));
                    case 405 -> ApiError.method(
                            RequestReader.shortened(ctx.req().getMethod()), RequestReader.shortened(ctx.path()));
                    default -> ApiError.body(e.getStatus(), "bad_request", String.valueOf(e.getMessage()));
                };
        refuse(error, ctx);
    }

    /** Where the server listens. */
    public URI address() {
        String host = options.host().contains(":") ? "[" + options.host() + "]" : options.host();
        return URI.create("http://" + host + ":" + app.port());
    }

    /** Takes no more requests, and returns when those that have come are answered. */
    public void drain() throws InterruptedException {
        admission.drain();
        admission.awaitEmpty();
        generations.awaitAnswers();
    }

    /** Stops to listen, and ends what is left. */
    @Override
    public void close() {
        admission.drain();
        try {
            app.stop();
        } finally {
            engine.close();
            meters.close();
        }
    }
}
