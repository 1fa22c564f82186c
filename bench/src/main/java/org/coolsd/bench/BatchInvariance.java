package org.coolsd.bench;

import java.io.IOException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.coolsd.Acceptance;
import org.coolsd.Schedule;
import org.coolsd.decode.Decoder;
import org.coolsd.decode.DecoderOptions;
import org.coolsd.decode.Result;
import org.coolsd.libtorch.LibTorch;
import org.coolsd.libtorch.Placement;
import org.coolsd.libtorch.Precision;

/** How many images change with the batch they are decoded in: the same requests alone and in batches, every precision. */
final class BatchInvariance {
    private static final int IMAGES = 200;
    private static final int[] BATCHES = {2, 8, 32};

    private BatchInvariance() {}

    static Map<String, Object> run(Machine machine) throws IOException {
        LibTorch.load(1);
        Map<String, Object> results = new LinkedHashMap<>();
        results.put("machine", machine);
        System.out.println("| precision | batch | images that differ from those decoded alone |");
        System.out.println("|---|---:|---:|");
        for (Precision precision : Precision.values()) {
            if (precision == Precision.F16 && Precision.fastest() != Precision.F16) {
                continue;
            }
            try (Shipped<?> model = Shipped.load(precision, Placement.cpu())) {
                List<Result> alone = decode(model, 1);
                for (int batch : BATCHES) {
                    List<Result> together = decode(model, batch);
                    int different = 0;
                    for (int i = 0; i < IMAGES; i++) {
                        different += Arrays.equals(
                                        alone.get(i).tokens(), together.get(i).tokens())
                                ? 0
                                : 1;
                    }
                    System.out.printf("| %s | %d | %d of %d |%n", precision, batch, different, IMAGES);
                    results.put(precision + ".batch" + batch, different);
                }
            }
        }
        System.out.println(machine);
        return results;
    }

    private static <C> List<Result> decode(Shipped<C> model, int batch) {
        DecoderOptions options = DecoderOptions.of(5)
                .slots(batch)
                .schedule(Schedule.exponential(1.1))
                .acceptance(Acceptance.block());
        try (Decoder<C> decoder = model.decoder(1, options)) {
            return decoder.decode(model.requests(0, IMAGES));
        }
    }
}
