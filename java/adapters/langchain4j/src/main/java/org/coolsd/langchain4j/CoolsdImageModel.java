package org.coolsd.langchain4j;

import dev.langchain4j.data.image.Image;
import dev.langchain4j.model.image.ImageModel;
import dev.langchain4j.model.output.Response;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.coolsd.Sampling;
import org.coolsd.Schedule;
import org.coolsd.decode.Decoder;
import org.coolsd.decode.DecoderOptions;
import org.coolsd.decode.Request;
import org.coolsd.decode.Result;
import org.coolsd.decode.Totals;
import org.coolsd.images.ImageFolder;
import org.coolsd.images.ImagePipeline;
import org.coolsd.images.ImageRun;
import org.coolsd.images.Picture;
import org.coolsd.images.Png;
import org.coolsd.libtorch.Placement;
import org.coolsd.libtorch.Precision;
import org.coolsd.models.Prompt;

/**
 * Makes images with a model folder: a prompt is the name of a class or its index, or text for models that read text. Every image is a PNG in base64. Image
 * i of a call has seed + i, and a call takes the next seeds, so that a model makes the same images in the same order each
 * time it is opened. Calls from several threads take turns.
 */
public final class CoolsdImageModel implements ImageModel, AutoCloseable {
    private final Opened<?> opened;
    private long seed;

    private record Opened<C>(ImagePipeline<C> pipeline, Decoder<C> decoder, ImageFolder folder, Sampling sampling) {
        static <C> Opened<C> of(ImagePipeline<C> pipeline, ImageFolder folder, Schedule schedule, int slots) {
            try {
                Sampling sampling = folder.sampling().orElse(pipeline.target().sampling());
                if (pipeline.target().readsEmbeddings()) {
                    throw new IllegalArgumentException("the model in " + folder.path()
                            + " reads captions through a text encoder; this adapter makes images of classes and of models"
                            + " that read text themselves");
                }
                DecoderOptions options = DecoderOptions.of(4).slots(slots).schedule(schedule);
                boolean guided = sampling.guidance() != 1;
                return new Opened<>(pipeline, pipeline.decoder(guided, 1, options), folder, sampling);
            } catch (RuntimeException | Error e) {
                pipeline.close();
                throw e;
            }
        }

        Response<List<Image>> generate(String prompt, int count, long first) throws IOException {
            List<Request<C>> requests = new ArrayList<>(count);
            Prompt asked = pipeline.target().classes() == 0
                    ? new Prompt.Text(prompt)
                    : new Prompt.Label(folder.label(prompt.strip()));
            for (int i = 0; i < count; i++) {
                requests.add(pipeline.request(asked, first + i, sampling));
            }
            ImageRun run = ImageRun.of(decoder, requests, decided -> {});
            if (!run.failures().isEmpty()) {
                int i = run.failures().firstKey();
                throw new IllegalStateException(
                        "image " + i + ": " + run.failures().get(i));
            }
            List<Image> images = new ArrayList<>(count);
            for (Map.Entry<Integer, Result> made : run.results().entrySet()) {
                C condition = requests.get(made.getKey()).condition();
                Picture picture = pipeline.picture(condition, made.getValue().tokens());
                images.add(Image.builder()
                        .base64Data(Base64.getEncoder().encodeToString(Png.bytes(picture)))
                        .mimeType("image/png")
                        .build());
            }
            Totals totals = run.totals();
            Map<String, Object> metadata = Map.of(
                    "seed", first,
                    "tokens", totals.tokens(),
                    "steps", totals.steps(),
                    "drafted", totals.drafted(),
                    "accepted", totals.accepted());
            return Response.from(images, null, null, metadata);
        }

        void close() {
            try {
                decoder.close();
            } finally {
                pipeline.close();
            }
        }
    }

    private CoolsdImageModel(Opened<?> opened, long seed) {
        this.opened = opened;
        this.seed = seed;
    }

    /**
     * Loads a model folder on the CPU. {@link org.coolsd.libtorch.LibTorch#load} comes first.
     *
     * @param schedule how far drafts are relaxed; lossless images have the law of the target alone
     * @param slots images of a call that are decoded side by side, at least 1
     * @param seed of the first image
     * @throws IOException in one line if a file is missing or damaged
     */
    public static CoolsdImageModel open(Path folder, Schedule schedule, int slots, long seed) throws IOException {
        ImageFolder files = ImageFolder.open(folder);
        ImagePipeline<?> pipeline = ImagePipeline.load(files, Precision.fastest(), Placement.cpu());
        return new CoolsdImageModel(Opened.of(pipeline, files, schedule, slots), seed);
    }

    @Override
    public Response<Image> generate(String prompt) {
        Response<List<Image>> images = generate(prompt, 1);
        return Response.from(images.content().get(0), null, null, images.metadata());
    }

    /**
     * {@code n} images.
     *
     * @param n at least 1
     * @return with the metadata seed (of the first), tokens, steps, drafted, accepted
     * @throws IllegalArgumentException if the prompt is no class of the model
     */
    @Override
    public synchronized Response<List<Image>> generate(String prompt, int n) {
        if (n < 1) {
            throw new IllegalArgumentException("n is " + n + ", it must be at least 1");
        }
        try {
            Response<List<Image>> images = opened.generate(prompt, n, seed);
            seed += n;
            return images;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Frees the models. */
    @Override
    public synchronized void close() {
        opened.close();
    }
}
