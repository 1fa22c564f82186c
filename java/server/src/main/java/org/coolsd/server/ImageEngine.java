package org.coolsd.server;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.coolsd.decode.Decoder;
import org.coolsd.decode.DecoderOptions;
import org.coolsd.decode.Request;
import org.coolsd.decode.Ticket;
import org.coolsd.images.CaptionEncoder;
import org.coolsd.images.Decoding;
import org.coolsd.images.Drafts;
import org.coolsd.images.ImageFolder;
import org.coolsd.images.ImagePipeline;
import org.coolsd.images.Picture;
import org.coolsd.images.Png;
import org.coolsd.libtorch.Precision;
import org.coolsd.models.ImageCodes;
import org.coolsd.models.Prompt;

/**
 * Images from one continuous batch: requests come from any thread, one thread decodes, another makes pictures of tokens. Every
 * image is what the request alone gives.
 *
 * @param <C> what a sequence is made from
 */
final class ImageEngine<C> implements AutoCloseable {
    private final ImageFolder folder;
    private final ImagePipeline<C> pipeline;
    private final Admission admission;
    private final ServerMeters meters;
    private final CaptionEncoder captions;
    private final Decoder<C> decoder;
    private final Semaphore work = new Semaphore(0);
    private final Thread thread;
    private final ExecutorService pictures;
    private volatile boolean closed;
    private volatile boolean broken;

    ImageEngine(
            ImageFolder folder,
            ImagePipeline<C> pipeline,
            Precision precision,
            ServerOptions options,
            Admission admission,
            ServerMeters meters) {
        this.folder = folder;
        this.pipeline = pipeline;
        this.admission = admission;
        this.meters = meters;
        captions = new CaptionEncoder(folder.path(), precision);
        Decoding longest = Decoding.standard().draftLength(options.longestDraft());
        // With both branches of guidance: a request may ask for any.
        decoder = pipeline.decoder(true, options.threads(), longest.options(drafts(longest), options.slots()));
        pictures = Executors.newSingleThreadExecutor(work -> daemon("coolsd-pictures", work));
        thread = daemon("coolsd-decoder", this::decode);
        thread.start();
    }

    private static Thread daemon(String name, Runnable work) {
        Thread thread = new Thread(work, name);
        thread.setDaemon(true);
        return thread;
    }

    /** Where the drafts of images come from that are decoded so. */
    Drafts drafts(Decoding decoding) {
        return decoding.isPlain() ? new Drafts.None() : folder.drafts();
    }

    /**
     * Lets the images of a request wait for slots.
     *
     * @throws ApiError in one line, if there is no room for them, or this model makes no such images
     */
    ImageJob<C> start(ImageRequest asked) throws ApiError, IOException {
        if (broken) {
            throw ApiError.broken();
        }
        admission.enter(asked.count());
        ImageJob<C> job;
        DecoderOptions own;
        try {
            job = new ImageJob<>(asked, requests(asked));
            own = own(asked.decoding());
        } catch (ApiError | IOException | RuntimeException | Error e) {
            admission.leave(asked.count());
            throw e;
        }
        boolean steps = asked.steps() || asked.partials() > 0;
        int submitted = 0;
        try {
            for (int i = 0; i < job.count(); i++) {
                ImageProgress progress = new ImageProgress(i, steps, job.events(), meters);
                Ticket ticket = decoder.submit(job.request(i), own, progress);
                submitted++;
                ticket.result().whenComplete((result, why) -> {
                    admission.leave(1);
                    progress.end(result, why);
                });
                job.add(ticket);
            }
        } catch (RuntimeException | Error e) {
            job.close();
            admission.leave(job.count() - submitted);
            throw e;
        } finally {
            work.release();
        }
        return job;
    }

    private DecoderOptions own(Decoding decoding) throws ApiError {
        try {
            return decoding.options(drafts(decoding), 1);
        } catch (IllegalArgumentException e) {
            throw ApiError.value("verification", String.valueOf(e.getMessage()));
        }
    }

    private List<Request<C>> requests(ImageRequest asked) throws ApiError, IOException {
        Request<C> first;
        try {
            first = first(asked);
        } catch (IllegalArgumentException e) {
            throw ApiError.value("prompt", String.valueOf(e.getMessage()));
        }
        List<Request<C>> requests = new ArrayList<>(asked.count());
        for (int i = 0; i < asked.count(); i++) {
            requests.add(Request.of(first.condition(), asked.seed() + i, asked.sampling(), first.length()));
        }
        return requests;
    }

    private Request<C> first(ImageRequest asked) throws ApiError, IOException {
        Prompt prompt = pipeline.target().classes() > 0
                ? new Prompt.Label(
                        folder.label(RequestReader.shortened(asked.prompt().strip())))
                : new Prompt.Text(asked.prompt(), asked.width(), asked.height());
        Request<C> request;
        // Encoders and tokenizers are for one thread at a time.
        synchronized (captions) {
            if (prompt instanceof Prompt.Text text && pipeline.target().readsEmbeddings()) {
                prompt = captions.encode(text);
            }
            request = pipeline.request(prompt, asked.seed(), asked.sampling());
        }
        String made = size(request.condition());
        if (asked.width() != 0 && !made.equals(asked.width() + "x" + asked.height())) {
            throw ApiError.value(
                    "size",
                    "size is '" + asked.width() + "x" + asked.height() + "', this model makes images of " + made
                            + " only");
        }
        return request;
    }

    /** Pixels of an image, as WxH. */
    String size(C condition) {
        ImageCodes cells = pipeline.cells(condition);
        return cells.columns() * pipeline.scale() + "x" + cells.rows() * pipeline.scale();
    }

    /** Codes in the first {@code count} tokens. */
    int cells(C condition, int[] tokens, int count) {
        return pipeline.target().firstCodes(condition, tokens, count).length;
    }

    /** The models. */
    ImagePipeline<C> pipeline() {
        return pipeline;
    }

    /** The PNG of an image's first {@code count} tokens. */
    byte[] png(C condition, int[] tokens, int count) throws IOException, InterruptedException {
        long start = System.nanoTime();
        try {
            return pictures.submit(() -> {
                        Picture picture = count == tokens.length
                                ? pipeline.picture(condition, tokens)
                                : pipeline.partial(condition, tokens, count);
                        return Png.bytes(picture);
                    })
                    .get();
        } catch (ExecutionException e) {
            throw new CompletionException(e.getCause());
        } finally {
            meters.pictured(System.nanoTime() - start);
        }
    }

    private void decode() {
        try {
            while (!closed) {
                if (!decoder.step()) {
                    work.acquire();
                    work.drainPermits();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException | Error e) {
            // Whatever it is, it would be so again: what waits is told, and so is who asks for the server's health.
            broken = true;
            System.err.println("coolsd: the decoder has stopped: " + e);
        } finally {
            decoder.close();
        }
    }

    /** Whether images can be made. */
    boolean isBroken() {
        return broken;
    }

    /** Ends what is left, and frees what the batch has. */
    @Override
    public void close() {
        closed = true;
        work.release();
        try {
            thread.join();
            pictures.shutdown();
            // The models must outlive the picture that is being made.
            pictures.awaitTermination(1, TimeUnit.MINUTES);
            synchronized (captions) {
                captions.close();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
