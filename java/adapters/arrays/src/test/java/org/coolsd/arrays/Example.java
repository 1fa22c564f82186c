package org.coolsd.arrays;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.coolsd.Sampling;
import org.coolsd.Schedule;
import org.coolsd.decode.Decoder;
import org.coolsd.decode.DecoderOptions;
import org.coolsd.decode.Drafter;
import org.coolsd.decode.Request;
import org.coolsd.decode.Result;

/** Generates the tokens of images with {@link ImageTransformer}: alone, with its own sampler, and with drafts. */
final class Example {
    private static final int IMAGES = 4;
    private static final Sampling SAMPLING = Sampling.of().guidance(2);

    private Example() {}

    /** @param args the model folder */
    public static void main(String[] args) throws IOException {
        ImageTransformer engine = new ImageTransformer(Path.of(args[0], "target.safetensors"));
        sampled(engine, 1);
        long start = System.nanoTime();
        sampled(engine, IMAGES);
        System.out.printf("%-32s 1.00 tokens a pass, %4.0f ms an image%n", "engine with ArraySampler", millis(start));
        DecoderOptions lossless = DecoderOptions.of(4);
        decode("no drafts", engine, Drafter.none(), lossless);
        decode("jacobi, lossless", engine, Drafter.jacobi(), lossless);
        decode("coupled, lossless", engine, Drafter.coupled(), lossless);
        decode("coupled, COOL-SD 1.1", engine, Drafter.coupled(), lossless.schedule(Schedule.exponential(1.1)));
    }

    /** An engine's own loop, in which one call takes the place of its sampler. */
    private static void sampled(ImageTransformer engine, int images) {
        try (ArraySampler sampler = new ArraySampler(engine.vocab(), SAMPLING)) {
            for (int image = 0; image < images; image++) {
                ImageTransformer.State conditional = engine.newState();
                ImageTransformer.State unconditional = engine.newState();
                float[] c = engine.begin(conditional, image);
                float[] u = engine.begin(unconditional, ImageTransformer.CLASSES);
                for (int i = 0; i < ImageTransformer.GRID * ImageTransformer.GRID; i++) {
                    int token = sampler.sample(c, u, image, i);
                    c = engine.next(conditional, token, i);
                    u = engine.next(unconditional, token, i);
                }
            }
        }
    }

    private static void decode(String name, ImageTransformer engine, Drafter<Integer> drafter, DecoderOptions options) {
        ArrayModel<Integer> model = ArrayModel.guided(engine, ImageTransformer.CLASSES);
        List<Request<Integer>> requests = new ArrayList<>();
        for (int image = 0; image < IMAGES; image++) {
            requests.add(Request.of(image, image, SAMPLING, ImageTransformer.GRID * ImageTransformer.GRID));
        }
        try (Decoder<Integer> decoder = new Decoder<>(model, drafter, options)) {
            long start = System.nanoTime();
            List<Result> results = decoder.decode(requests);
            double length = results.stream()
                    .mapToDouble(Result::acceptedLength)
                    .average()
                    .orElse(0);
            System.out.printf("%-32s %4.2f tokens a pass, %4.0f ms an image%n", name, length, millis(start));
        }
    }

    private static double millis(long start) {
        return (System.nanoTime() - start) / 1e6 / IMAGES;
    }
}
