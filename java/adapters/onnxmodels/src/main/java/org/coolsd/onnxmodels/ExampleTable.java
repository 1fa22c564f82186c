package org.coolsd.onnxmodels;

import java.util.ArrayList;
import java.util.List;
import org.coolsd.Sampling;
import org.coolsd.decode.Decoder;
import org.coolsd.decode.DecoderOptions;
import org.coolsd.decode.Drafter;
import org.coolsd.decode.Request;
import org.coolsd.decode.Result;
import org.coolsd.decode.TargetModel;

/**
 * What the examples print: the tokens of the shipped model's images, made in one way a line.
 *
 * @param model the shipped target in an engine
 * @param images of a line
 */
public record ExampleTable(TargetModel<Integer> model, int images) {
    private static final LlamaGenShape SHAPE = LlamaGenShape.fashion();
    private static final Sampling SAMPLING = Sampling.of().guidance(2);

    /** Makes the images, and prints tokens a pass and time an image. */
    public void line(String name, Drafter<Integer> drafter, DecoderOptions options) {
        List<Request<Integer>> requests = new ArrayList<>();
        for (int image = 0; image < images; image++) {
            requests.add(Request.of(image % SHAPE.classes(), image, SAMPLING, SHAPE.tokens()));
        }
        try (Decoder<Integer> decoder = new Decoder<>(model, drafter, options)) {
            long start = System.nanoTime();
            List<Result> results = decoder.decode(requests);
            double millis = (System.nanoTime() - start) / 1e6 / images;
            int tokens = results.stream().mapToInt(r -> r.tokens().length).sum();
            double length = results.stream()
                    .mapToDouble(Result::acceptedLength)
                    .average()
                    .orElse(0);
            System.out.printf(
                    "%-30s %5d tokens, %4.2f tokens a pass, %4.0f ms an image%n", name, tokens, length, millis);
        }
    }
}
