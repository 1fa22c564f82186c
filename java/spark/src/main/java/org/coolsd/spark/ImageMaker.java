package org.coolsd.spark;

import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.function.BooleanSupplier;
import org.apache.spark.TaskKilledException;
import org.apache.spark.sql.Row;
import org.coolsd.CoolsdException;
import org.coolsd.Sampling;
import org.coolsd.command.DecodingOptions;
import org.coolsd.decode.Decoder;
import org.coolsd.decode.DecoderOptions;
import org.coolsd.decode.Request;
import org.coolsd.decode.Result;
import org.coolsd.decode.Ticket;
import org.coolsd.images.ImagePipeline;
import org.coolsd.images.Png;
import org.coolsd.models.Prompt;
import picocli.CommandLine.ParameterException;

/**
 * Makes the images of one task, each as {@code coolsd generate} makes it. The decoder stays open while requests have the same
 * options.
 */
final class ImageMaker<C> implements AutoCloseable {
    private final ExecutorModel model;
    private final ImagePipeline<C> pipeline;
    private final ImageJob job;
    private final Columns columns;
    private final BooleanSupplier isKilled;
    private Map<String, String> options;
    private Sampling sampling;
    private Decoder<C> decoder;

    private ImageMaker(
            ExecutorModel model, ImagePipeline<C> pipeline, ImageJob job, Columns columns, BooleanSupplier isKilled) {
        this.model = model;
        this.pipeline = pipeline;
        this.job = job;
        this.columns = columns;
        this.isKilled = isKilled;
    }

    /**
     * For the requests of one task.
     *
     * @param isKilled whether Spark wants the task to end, as where another attempt was faster
     */
    static <C> ImageMaker<C> of(
            ExecutorModel model, ImagePipeline<C> pipeline, ImageJob job, Columns columns, BooleanSupplier isKilled) {
        return new ImageMaker<>(model, pipeline, job, columns, isKilled);
    }

    /**
     * The row of a request's image, or of why there is none.
     *
     * @throws IOException if what every request needs is missing
     * @throws TaskKilledException if the task was killed meanwhile
     */
    Row make(Row row) throws IOException {
        Request<C> request;
        try {
            open(columns.options(row));
            request = pipeline.request(prompt(row), Columns.seed(row), sampling);
        } catch (IllegalArgumentException | ParameterException e) {
            return columns.failed(row, e.getMessage());
        }
        Result result;
        try {
            result = decode(request);
        } catch (CoolsdException e) {
            // Such as NaN in the logits: it would be there the next time, too. What a machine lacks is another
            // exception.
            return columns.failed(row, e.getMessage());
        }
        return columns.made(row, Png.bytes(pipeline.picture(request.condition(), result.tokens())), result);
    }

    private Prompt prompt(Row row) throws IOException {
        String label = columns.text(row, Columns.CLASS);
        String text = columns.text(row, Columns.PROMPT);
        if ((label == null) == (text == null)) {
            throw new IllegalArgumentException("the request has " + (label == null ? "neither" : "both") + " a class "
                    + (label == null ? "nor" : "and") + " a prompt, it must have one of them");
        }
        return text == null ? new Prompt.Label(model.folder().label(label)) : model.read(text);
    }

    private Result decode(Request<C> request) {
        Ticket ticket = decoder.submit(request);
        while (!ticket.result().isDone()) {
            if (isKilled.getAsBoolean()) {
                throw new TaskKilledException("another attempt is done, or the job is over");
            }
            decoder.step();
        }
        try {
            return ticket.result().join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof CoolsdException undecided) {
                throw undecided;
            }
            throw e;
        }
    }

    /** Opens a decoder with a request's options, unless it is the one that is open. */
    private void open(Map<String, String> own) {
        if (own.containsKey(ImageJob.DRAFTER)) {
            throw new IllegalArgumentException("drafter is " + own.get(ImageJob.DRAFTER)
                    + ", it is an option of the job: all requests share the models");
        }
        if (decoder != null && own.equals(options)) {
            return;
        }
        close();
        Map<String, String> all = new HashMap<>(job.options());
        all.putAll(own);
        DecodingOptions decoding = DecodingOptions.of(all);
        sampling = decoding.sampling(
                model.folder().sampling().orElse(pipeline.target().sampling()));
        DecoderOptions how = decoding.decoder(decoding.drafts(model.folder().drafts(), false), 1);
        decoder = pipeline.decoder(sampling.guidance() != 1, 1, how);
        options = Map.copyOf(own);
    }

    /** Closes the decoder; the models stay. */
    @Override
    public void close() {
        if (decoder != null) {
            decoder.close();
            decoder = null;
        }
    }
}
