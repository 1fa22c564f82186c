package org.coolsd.images;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.coolsd.Acceptance;
import org.coolsd.Sampling;
import org.coolsd.Schedule;
import org.coolsd.decode.Decoder;
import org.coolsd.decode.DecoderOptions;
import org.coolsd.decode.Request;
import org.coolsd.libtorch.LibTorch;
import org.coolsd.libtorch.Placement;
import org.coolsd.libtorch.Precision;
import org.coolsd.models.Prompt;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The shipped model is opened, used and closed: what it takes it gives back. */
class ModelLifetimeTest {
    private static final Path SHIPPED = Path.of("../../models/fashion");
    private static final DecoderOptions BLOCKS =
            DecoderOptions.of(5).schedule(Schedule.exponential(1.1)).acceptance(Acceptance.block());

    @BeforeAll
    static void load() throws Exception {
        LibTorch.load(1);
    }

    private static Model<?> open() throws Exception {
        ImageFolder folder = ImageFolder.open(SHIPPED);
        return new Model<>(ImagePipeline.load(folder, Precision.fastest(), Placement.cpu()));
    }

    /** The shipped model with one request to it. */
    private record Model<C>(ImagePipeline<C> images) implements AutoCloseable {
        Request<C> request() throws IOException {
            return images.request(new Prompt.Label(1), 7, Sampling.of().guidance(2));
        }

        Decoder<C> decoder() {
            return decoder(BLOCKS, 1);
        }

        Decoder<C> decoder(DecoderOptions options, int threads) {
            return images.decoder(true, threads, options);
        }

        int[] decode() throws IOException {
            try (Decoder<C> decoder = decoder()) {
                return decode(decoder);
            }
        }

        int[] decode(Decoder<C> decoder) throws IOException {
            return decoder.decode(List.of(request())).get(0).tokens();
        }

        void requireSize(int width, int height) throws IOException {
            images.requireSize(
                    new Prompt.Text("a shirt", width, height), request().condition());
        }

        Picture picture(int[] tokens) throws IOException {
            return images.picture(request().condition(), tokens);
        }

        @Override
        public void close() {
            images.close();
        }
    }

    /** 20 times open, one image, close: JavaCPP counts what native objects of ours are left, the system what is resident. */
    @Test
    void memoryIsFlatOverOpenAndClose() throws Exception {
        int[] first = null;
        long bytes = 0;
        long resident = 0;
        for (int i = 0; i < 25; i++) {
            try (Model<?> model = open()) {
                int[] tokens = model.decode();
                assertThat(model.picture(tokens).levels()).hasSize(784);
                first = first == null ? tokens : first;
                assertThat(tokens).isEqualTo(first);
            }
            if (i == 4) {
                bytes = Pointer.totalBytes();
                resident = resident();
            }
        }
        assertThat(Pointer.totalBytes()).isLessThanOrEqualTo(bytes + (1 << 20));
        // The weights of one model take 8 MB on disk: one that leaked in every round would be seen.
        assertThat(resident()).isLessThan(resident + (60L << 20));
    }

    private static long resident() throws Exception {
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith("VmRSS:")) {
                return Long.parseLong(line.replaceAll("[^0-9]", "")) << 10;
            }
        }
        throw new IllegalStateException("no VmRSS");
    }

    @Test
    void aCallersPointerScopeFreesNothingOfAModelOrDecoder() throws Exception {
        OpenModel<?> open;
        try (PointerScope scope = new PointerScope()) {
            open = OpenModel.of(open());
        }
        try (open) {
            int[] tokens = open.decode();
            try (Model<?> other = open()) {
                assertThat(tokens).isEqualTo(other.decode());
                assertThat(open.model.picture(tokens).levels())
                        .isEqualTo(other.picture(tokens).levels());
            }
        }
    }

    /** A model and a decoder of it. */
    private record OpenModel<C>(Model<C> model, Decoder<C> decoder) implements AutoCloseable {
        static <C> OpenModel<C> of(Model<C> model) {
            return new OpenModel<>(model, model.decoder());
        }

        int[] decode() throws IOException {
            return model.decode(decoder);
        }

        @Override
        public void close() {
            decoder.close();
            model.close();
        }
    }

    /** A decoder that cannot be made holds nothing: the model can be closed, and no thread is left. */
    @Test
    void refusedDecodersLetGoOfTheirModel() throws Exception {
        Model<?> model = open();
        DecoderOptions tooLong = DecoderOptions.of(65).slots(2);
        assertThatThrownBy(() -> model.decoder(tooLong, 2)).hasMessageContaining("65");
        model.close();
        assertThatThrownBy(() -> model.decoder(BLOCKS.slots(2), 2)).hasMessageContaining("closed");
        assertThat(Thread.getAllStackTraces().keySet())
                .extracting(Thread::getName)
                .noneMatch(name -> name.startsWith("coolsd-decoder"));
    }

    @Test
    void closedModelsThrowAndOpenDecodersKeepTheirs() throws Exception {
        OpenModel<?> open = OpenModel.of(open());
        Model<?> model = open.model;
        assertThatThrownBy(model::close)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("in use");
        int[] tokens = open.decode();
        open.close();
        model.close();
        assertThatThrownBy(model::decoder)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("closed");
        assertThatThrownBy(() -> model.picture(tokens))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("closed");
    }

    /** The size that is known before an image is made is that of the picture. */
    @Test
    void anotherSizeIsRefused() throws Exception {
        try (Model<?> model = open()) {
            Picture made = model.picture(model.decode());
            model.requireSize(made.width(), made.height());
            model.requireSize(0, 0);
            assertThatThrownBy(() -> model.requireSize(512, 256))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("the size is 512x256; this model makes images of " + made.width() + "x" + made.height()
                            + " only");
        }
    }
}
