package org.coolsd.jlama;

import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.model.ModelSupport;
import com.github.tjake.jlama.safetensors.DType;
import com.github.tjake.jlama.tensor.AbstractTensor;
import com.github.tjake.jlama.tensor.KvBufferCache;
import java.io.File;
import java.nio.file.Files;
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

/** Generates tokens with Jlama: alone, with its sampler replaced, and with drafts. */
final class Example {
    private static final int TOKENS = 128;
    private static final int SEQUENCES = 8;
    private static final int[] PROMPT = {0, 3, 1, 4};

    private Example() {}

    /** @param args a model folder that Jlama reads; without one, a small model with random weights is written */
    public static void main(String[] args) throws Exception {
        Path folder = args.length > 0 ? Path.of(args[0]) : Files.createTempDirectory("coolsd-jlama");
        File files = folder.toFile();
        try (AbstractModel model = args.length > 0
                ? ModelSupport.loadModel(files, DType.F32, DType.F32)
                : new TinyLlama(26, 4, 1, 1).load(folder)) {
            own(model, 1);
            long start = System.nanoTime();
            own(model, SEQUENCES);
            System.out.printf("%-28s 1.00 tokens a pass, %5.1f us a token%n", "Jlama alone", micros(start));
            sampled(model, 1);
            start = System.nanoTime();
            sampled(model, SEQUENCES);
            System.out.printf("%-28s 1.00 tokens a pass, %5.1f us a token%n", "with JlamaSampler", micros(start));
            DecoderOptions lossless = DecoderOptions.of(4);
            decode("loop, no drafts", model, Drafter.none(), lossless);
            decode("jacobi, lossless", model, Drafter.jacobi(), lossless);
            decode("coupled, lossless", model, Drafter.coupled(), lossless);
            decode("coupled, COOL-SD 1.1", model, Drafter.coupled(), lossless.schedule(Schedule.exponential(1.1)));
        }
    }

    /** Jlama's own loop and sampler. */
    private static void own(AbstractModel model, int sequences) {
        java.util.SplittableRandom random = new java.util.SplittableRandom(1);
        try (AbstractTensor<?, ?> logits = model.makeDenseTensor(1, model.getConfig().vocabularySize)) {
            for (int seed = 0; seed < sequences; seed++) {
                generate(model, (output, i) -> model.sample(output, 1, (float) random.nextDouble(), logits));
            }
        }
    }

    private static void sampled(AbstractModel model, int sequences) {
        try (JlamaSampler sampler = new JlamaSampler(model, Sampling.of())) {
            for (int seed = 0; seed < sequences; seed++) {
                long request = seed;
                generate(model, (output, i) -> sampler.sample(output, request, i));
            }
        }
    }

    private interface TokenSampler {
        int sample(AbstractTensor<?, ?> output, int position);
    }

    private static void generate(AbstractModel model, TokenSampler sampler) {
        KvBufferCache.KvBuffer cache = new KvBufferCache(model).getEphemeralKvBuffer();
        int[] next = PROMPT;
        int position = 0;
        for (int i = 0; i < TOKENS; i++) {
            try (AbstractTensor<?, ?> output = model.batchForward(next, position, cache)) {
                position += next.length;
                next = new int[] {sampler.sample(output.slice(next.length - 1), i)};
            }
        }
        cache.close();
    }

    private static void decode(String name, AbstractModel model, Drafter<int[]> drafter, DecoderOptions options) {
        List<Request<int[]>> requests = new ArrayList<>();
        for (int seed = 0; seed < SEQUENCES; seed++) {
            requests.add(Request.of(PROMPT, seed, Sampling.of(), TOKENS));
        }
        try (Decoder<int[]> decoder = new Decoder<>(JlamaModel.of(model), drafter, options)) {
            decoder.decode(requests.subList(0, 1));
            long start = System.nanoTime();
            double length = decoder.decode(requests).stream()
                    .mapToDouble(Result::acceptedLength)
                    .average()
                    .orElse(0);
            System.out.printf("%-28s %4.2f tokens a pass, %5.1f us a token%n", name, length, micros(start));
        }
    }

    private static double micros(long start) {
        return (System.nanoTime() - start) / 1e3 / SEQUENCES / TOKENS;
    }
}
