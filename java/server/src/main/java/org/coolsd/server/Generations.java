package org.coolsd.server;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.javalin.http.Context;
import jakarta.servlet.http.HttpServletResponse;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.Locale;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.coolsd.models.ImageCodes;
import org.coolsd.server.ServerMeters.Outcome;
import org.jspecify.annotations.Nullable;

/**
 * POST /v1/images/generations.
 *
 * @param <C> what a sequence is made from
 */
final class Generations<C> {
    private final ImageEngine<C> engine;
    private final RequestReader reader;
    private final ServerOptions options;
    private final ServerMeters meters;
    /** Bodies that are read at once: fewer than there are threads, so that slow ones leave some for all else. */
    private final Semaphore reading = new Semaphore(16);

    private int answering;

    Generations(ImageEngine<C> engine, RequestReader reader, ServerOptions options, ServerMeters meters) {
        this.engine = engine;
        this.reader = reader;
        this.options = options;
        this.meters = meters;
    }

    /** Answers a request, and counts what became of it. */
    void handle(Context ctx) throws Exception {
        Outcome outcome = Outcome.FAILED;
        try {
            answer(ctx);
            outcome = Outcome.OK;
        } catch (ApiError e) {
            outcome = outcome(e);
            throw e;
        } catch (StreamBrokenException e) {
            outcome = outcome(e.why());
            throw e;
        } catch (ClientGoneException e) {
            outcome = Outcome.GONE;
            throw e;
        } finally {
            meters.answered(outcome);
        }
    }

    private static Outcome outcome(ApiError e) {
        return switch (e.status()) {
            case 429, 503 -> Outcome.FULL;
            case 504 -> Outcome.TIMEOUT;
            case 500 -> Outcome.FAILED;
            default -> Outcome.REFUSED;
        };
    }

    /** Waits until every request that was let in is answered, or as long as a request may take: a client may read slowly. */
    synchronized void awaitAnswers() throws InterruptedException {
        long end = System.nanoTime() + options.timeout().toNanos();
        for (long left = 1; answering > 0 && left > 0; left = end - System.nanoTime()) {
            wait(Math.max(1, left / 1_000_000));
        }
    }

    private void answer(Context ctx) throws Exception {
        long deadline = System.nanoTime() + options.timeout().toNanos();
        if (!reading.tryAcquire(1, TimeUnit.SECONDS)) {
            throw ApiError.busy();
        }
        byte[] body;
        try {
            body = body(ctx);
        } finally {
            reading.release();
        }
        ImageRequest asked = reader.read(body);
        ClientConnection client = new ClientConnection(ctx.req(), ctx.res());
        count(1);
        try (ImageJob<C> job = engine.start(asked)) {
            if (asked.stream()) {
                stream(job, deadline, client, ctx.res());
            } else {
                whole(job, deadline, client, ctx.res());
            }
        } finally {
            count(-1);
        }
    }

    private synchronized void count(int more) {
        answering += more;
        notifyAll();
    }

    /** A form of a foreign page can be sent to any address, but not as JSON. */
    private byte[] body(Context ctx) throws ApiError, ClientGoneException {
        String type = ctx.contentType();
        if (type == null || !type.toLowerCase(Locale.ROOT).matches("application/json *(;.*)?")) {
            throw ApiError.body(415, "unsupported_media_type", "the content type must be application/json");
        }
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        byte[] some = new byte[8192];
        long deadline = System.nanoTime() + options.idle().toNanos();
        try {
            InputStream in = ctx.req().getInputStream();
            for (int read = in.read(some); read >= 0; read = in.read(some)) {
                body.write(some, 0, read);
                if (body.size() > options.bodyBytes()) {
                    throw ApiError.body(
                            413,
                            "body_too_large",
                            "the body has more than " + options.bodyBytes() + " bytes, which is the most");
                }
                if (System.nanoTime() - deadline > 0) {
                    throw ApiError.body(
                            408,
                            "body_too_slow",
                            "the body was not there after " + options.idle().toSeconds() + " s");
                }
            }
        } catch (IOException e) {
            throw new ClientGoneException(e);
        }
        return body.toByteArray();
    }

    private void whole(ImageJob<C> job, long deadline, ClientConnection client, HttpServletResponse response)
            throws Exception {
        ObjectNode[] images = new ObjectNode[job.count()];
        long tokens = 0;
        for (int left = job.count(); left > 0; ) {
            ImageEvent event = job.next(deadline, options.timeout(), client);
            if (event == null) {
                continue;
            }
            ImageEvent.Made made = made(job, event);
            left--;
            images[made.image()] = image(job, made);
            tokens += made.result().tokens().length;
        }
        ObjectNode answer = JsonNodeFactory.instance.objectNode();
        answer.put("created", System.currentTimeMillis() / 1000);
        look(answer, job);
        ArrayNode data = answer.putArray("data");
        data.addAll(Arrays.asList(images));
        answer.put("decoding", name(job));
        usage(answer, tokens);
        byte[] bytes = answer.toString().getBytes(StandardCharsets.UTF_8);
        response.setContentType("application/json");
        response.setContentLength(bytes.length);
        try {
            response.getOutputStream().write(bytes);
            response.getOutputStream().flush();
        } catch (IOException e) {
            throw new ClientGoneException(e);
        }
    }

    /** The image of an event that ends one. */
    private ImageEvent.Made made(ImageJob<C> job, ImageEvent event) throws ApiError {
        if (event instanceof ImageEvent.Made made) {
            return made;
        }
        throw ApiError.failed(
                "image " + event.image() + " (seed " + (job.asked().seed() + event.image()) + ") could not be made: "
                        + (event instanceof ImageEvent.Failed failed ? words(failed.why()) : event));
    }

    /** An error of Java's does not explain itself without its kind. */
    private static String words(Throwable why) {
        String said = why instanceof Error || why.getMessage() == null ? why.toString() : why.getMessage();
        return RequestReader.shortened(said);
    }

    private void stream(ImageJob<C> job, long deadline, ClientConnection client, HttpServletResponse response)
            throws Exception {
        EventStream events = new EventStream(response);
        PartialImages<C> partials = new PartialImages<>(engine, job);
        try {
            for (int left = job.count(); left > 0; ) {
                ImageEvent event = job.next(deadline, options.timeout(), client);
                if (event == null) {
                    events.beat();
                    continue;
                }
                if (event instanceof ImageEvent.Stepped stepped) {
                    step(job, stepped, events, partials);
                    continue;
                }
                ImageEvent.Made made = made(job, event);
                ObjectNode data = image(job, made);
                data.put("created_at", System.currentTimeMillis() / 1000);
                data.put("image_index", made.image());
                data.put("decoding", name(job));
                data.put("quality", "auto");
                look(data, job);
                usage(data, made.result().tokens().length);
                events.send("image_generation.completed", data);
                left--;
            }
            // Sent to its end before the request counts as answered, behind which the server may stop.
            events.close();
        } catch (ApiError e) {
            throw broken(events, e);
        } catch (RuntimeException e) {
            System.err.println("coolsd: a stream failed: " + e);
            throw broken(
                    events, ApiError.failed("the server failed: " + e.getClass().getSimpleName()));
        }
    }

    /** The answer has begun: its status can be changed no more, and the error is an event. */
    private static StreamBrokenException broken(EventStream events, ApiError why) throws ClientGoneException {
        events.send("error", why.body());
        events.close();
        return new StreamBrokenException(why);
    }

    private void step(ImageJob<C> job, ImageEvent.Stepped step, EventStream events, PartialImages<C> partials)
            throws Exception {
        int cell = partials.take(step);
        if (job.asked().steps()) {
            ObjectNode data = JsonNodeFactory.instance.objectNode();
            data.put("image_index", step.image());
            data.put("position", step.position());
            data.put("cell", cell);
            ImageCodes cells = engine.pipeline().cells(job.request(step.image()).condition());
            data.put("columns", cells.columns());
            data.put("rows", cells.rows());
            data.put("kind", step.kind());
            data.put("accepted", step.accepted());
            data.put("drift", step.drift());
            Arrays.stream(step.draft()).forEach(data.putArray("drafted")::add);
            Arrays.stream(step.tokens()).forEach(data.putArray("tokens")::add);
            events.send("coolsd.step", data);
        }
        byte @Nullable [] png = partials.due(step.image());
        if (png != null) {
            ObjectNode data = JsonNodeFactory.instance.objectNode();
            data.put("b64_json", Base64.getEncoder().encodeToString(png));
            data.put("partial_image_index", partials.sent(step.image()) - 1);
            data.put("image_index", step.image());
            data.put("created_at", System.currentTimeMillis() / 1000);
            data.put("quality", "auto");
            look(data, job);
            events.send("image_generation.partial_image", data);
        }
    }

    /** What all pictures of a job are like. */
    private void look(ObjectNode data, ImageJob<C> job) {
        data.put("size", engine.size(job.request(0).condition()));
        data.put("background", "opaque");
        data.put("output_format", "png");
    }

    private static void usage(ObjectNode data, long tokens) {
        ObjectNode usage = data.putObject("usage");
        usage.put("input_tokens", 0);
        usage.put("output_tokens", tokens);
        usage.put("total_tokens", tokens);
        usage.putObject("input_tokens_details").put("image_tokens", 0).put("text_tokens", 0);
    }

    private String name(ImageJob<C> job) {
        return job.asked().decoding().name(engine.drafts(job.asked().decoding()));
    }

    private ObjectNode image(ImageJob<C> job, ImageEvent.Made made) throws IOException, InterruptedException {
        int[] tokens = made.result().tokens();
        byte[] png = engine.png(job.request(made.image()).condition(), tokens, tokens.length);
        ObjectNode image = JsonNodeFactory.instance.objectNode();
        image.put("b64_json", Base64.getEncoder().encodeToString(png));
        image.put("seed", job.asked().seed() + made.image());
        image.put("accepted_length", made.result().acceptedLength());
        image.put("drift", made.result().drift());
        image.put("steps", made.result().steps());
        image.put("tokens", tokens.length);
        image.put("seconds", made.decoded());
        image.put("queue_seconds", made.waited());
        return image;
    }
}
