package org.coolsd.bench;

import java.io.IOException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.coolsd.Sampling;
import org.coolsd.Schedule;
import org.coolsd.engine.Cancellation;
import org.coolsd.engine.DecoderOptions;
import org.coolsd.engine.DecodingListener;
import org.coolsd.engine.ImageModel;
import org.coolsd.engine.ImageRequest;
import org.coolsd.engine.LibTorch;
import org.coolsd.engine.ModelFolder;
import org.coolsd.engine.SpeculativeDecoder;
import org.coolsd.engine.forward.Placement;
import org.coolsd.engine.model.Precision;

/** How many images change with the company they are decoded in: the same requests alone and in batches, every precision. */
final class CompanyWatch {
    private static final int IMAGES = 200;
    private static final int[] BATCHES = {2, 8, 32};

    private CompanyWatch() {}

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
        try (SpeculativeDecoder decoder = model.decoder(
                Schedule.exponential(1.1).draftLength(5),
                Sampling.of().guidance(config.guidance()),
                DecoderOptions.of().batch(batch))) {
            return decoder.decode(requests, DecodingListener.NONE, new Cancellation());
        }
    }
}
