package org.coolsd.bench;

import java.io.IOException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.coolsd.Acceptance;
import org.coolsd.Sampling;
import org.coolsd.Schedule;
import org.coolsd.decode.DecoderOptions;
import org.coolsd.images.ImageDecoder;
import org.coolsd.images.ImageModel;
import org.coolsd.images.ImageRequest;
import org.coolsd.images.ModelFolder;
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
            ImageModel model = ImageModel.load(ModelFolder.open(ModelFolder.SHIPPED), precision, Placement.cpu());
            List<int[]> alone = decode(model, 1);
            for (int batch : BATCHES) {
                List<int[]> together = decode(model, batch);
                int different = 0;
                for (int i = 0; i < IMAGES; i++) {
                    different += Arrays.equals(alone.get(i), together.get(i)) ? 0 : 1;
                }
                System.out.printf("| %s | %d | %d of %d |%n", precision, batch, different, IMAGES);
                results.put(precision + ".batch" + batch, different);
            }
        }
        System.out.println(machine);
        return results;
    }

    private static List<int[]> decode(ImageModel model, int batch) {
        ModelFolder.Config config = model.folder().config();
        List<ImageRequest> requests = ImageRequest.inTurn(config.classes().size(), 0, IMAGES, 0);
        DecoderOptions options = DecoderOptions.of(5)
                .slots(batch)
                .schedule(Schedule.exponential(1.1))
                .acceptance(Acceptance.block());
        try (ImageDecoder decoder = model.decoder(Sampling.of().guidance(config.guidance()), options)) {
            return decoder.decode(requests).tokens();
        }
    }
}
