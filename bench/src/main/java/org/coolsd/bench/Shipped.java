package org.coolsd.bench;

import java.io.IOException;
import java.util.List;
import org.coolsd.Sampling;
import org.coolsd.decode.Decoder;
import org.coolsd.decode.DecoderOptions;
import org.coolsd.decode.Drafter;
import org.coolsd.decode.Request;
import org.coolsd.images.Drafts;
import org.coolsd.images.ImageFolder;
import org.coolsd.images.ImagePipeline;
import org.coolsd.images.ModelFolder;
import org.coolsd.libtorch.Placement;
import org.coolsd.libtorch.Precision;

/**
 * The model that comes with the project, as every benchmark of whole images has it: sampled as its folder says.
 *
 * @param <C> what its sequences are made from
 */
record Shipped<C>(ImagePipeline<C> images, Sampling sampling, int classes, int tokens) implements AutoCloseable {
    /** With its own drafter. */
    static Shipped<?> load(Precision precision, Placement placement) throws IOException {
        return load(new Drafts.Eagle(null), precision, placement);
    }

    /** To be closed. */
    static Shipped<?> load(Drafts drafts, Precision precision, Placement placement) throws IOException {
        ImageFolder folder = ImageFolder.open(ModelFolder.SHIPPED).with(drafts);
        return of(folder, ImagePipeline.load(folder, precision, placement));
    }

    private static <C> Shipped<C> of(ImageFolder folder, ImagePipeline<C> images) throws IOException {
        Sampling sampling = folder.sampling().orElseThrow();
        int tokens = images.inTurn(1, 0, 1, 0, sampling).get(0).length();
        return new Shipped<>(images, sampling, folder.classes().size(), tokens);
    }

    /** A decoder, to be closed before the model. */
    Decoder<C> decoder(int threads, DecoderOptions options) {
        return images.decoder(sampling.guidance() != 1, threads, options);
    }

    /** Its target and, where the options draft, its drafter, to be timed. */
    Timed<C> timed(int threads, DecoderOptions options) {
        return new Timed<>(
                images.target().model(sampling.guidance() != 1, threads),
                options.draftLength() == 0 ? Drafter.none() : images.drafter());
    }

    /** Requests {@code first..first + count - 1}, the classes in turn; request i has seed i. */
    List<Request<C>> requests(long first, int count) {
        try {
            return images.inTurn(classes, first, count, 0, sampling);
        } catch (IOException e) {
            throw new IllegalStateException("a class is read from no file", e);
        }
    }

    @Override
    public void close() {
        images.close();
    }
}
