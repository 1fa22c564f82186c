package org.coolsd.spark;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.coolsd.Sampling;
import org.coolsd.command.DecodingOptions;
import org.coolsd.decode.Decoder;
import org.coolsd.decode.Request;
import org.coolsd.decode.Result;
import org.coolsd.images.ImageFolder;
import org.coolsd.images.ImagePipeline;
import org.coolsd.images.ImageRun;
import org.coolsd.images.Png;
import org.coolsd.libtorch.LibTorch;
import org.coolsd.libtorch.Placement;
import org.coolsd.libtorch.Precision;

/** The images of the shipped model as {@code coolsd generate --batch 4} makes them: the classes in turn, image i of seed i. */
final class OneMachine {
    static final Path FASHION = Path.of("..", "..", "models", "fashion");

    /** An image, and what it came of. */
    record Made(byte[] png, Result result) {}

    private OneMachine() {}

    /** Images 0..count - 1. */
    static List<Made> images(int count) throws IOException {
        LibTorch.load(1);
        ImageFolder folder = ImageFolder.open(FASHION);
        try (ImagePipeline<?> pipeline = ImagePipeline.load(folder, Precision.fastest(), Placement.cpu())) {
            return images(folder, pipeline, count);
        }
    }

    private static <C> List<Made> images(ImageFolder folder, ImagePipeline<C> pipeline, int count) throws IOException {
        Sampling sampling = folder.sampling().orElseThrow();
        List<Request<C>> requests = pipeline.inTurn(folder.classes().size(), 0, count, 0, sampling);
        List<Made> made = new ArrayList<>();
        try (Decoder<C> decoder =
                pipeline.decoder(true, 1, DecodingOptions.of(Map.of()).decoder(folder.drafts(), 4))) {
            for (Result result :
                    ImageRun.of(decoder, requests, decided -> {}).results().values()) {
                C condition = requests.get(made.size()).condition();
                made.add(new Made(Png.bytes(pipeline.picture(condition, result.tokens())), result));
            }
        }
        return made;
    }
}
