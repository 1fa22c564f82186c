package org.coolsd.images;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.coolsd.Sampling;
import org.coolsd.Schedule;
import org.coolsd.images.decoding.DecoderOptions;
import org.coolsd.images.decoding.DecodingListener;
import org.coolsd.images.decoding.SpeculativeDecoder;
import org.coolsd.images.decoding.Verification;
import org.coolsd.libtorch.LibTorch;
import org.coolsd.libtorch.Placement;
import org.coolsd.libtorch.Precision;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The shipped model is opened, used and closed: what it takes it gives back. */
class ModelLifetimeTest {
    private static final Path SHIPPED = Path.of("../../models/fashion");
    private static final Verification BLOCKS =
            Verification.block(Schedule.exponential(1.1).draftLength(5));

    @BeforeAll
    static void load() throws Exception {
        LibTorch.load(1);
    }

    private static ImageModel open() throws Exception {
        return ImageModel.load(ModelFolder.open(SHIPPED), Precision.fastest(), Placement.cpu());
    }

    private static int[] decode(ImageModel model) {
        try (SpeculativeDecoder decoder = model.decoder(BLOCKS, Sampling.of().guidance(2), DecoderOptions.of())) {
            return decoder.decode(new ImageRequest(1, 7), DecodingListener.NONE);
        }
    }

    /** 20 times open, one image, close: JavaCPP counts what native objects of ours are left, the system what is resident. */
    @Test
    void memoryIsFlatOverOpenAndClose() throws Exception {
        int[] first = null;
        long bytes = 0;
        long resident = 0;
        for (int i = 0; i < 25; i++) {
            try (ImageModel model = open()) {
                int[] tokens = decode(model);
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
        ImageModel model;
        SpeculativeDecoder decoder;
        try (PointerScope scope = new PointerScope()) {
            model = open();
            decoder = model.decoder(BLOCKS, Sampling.of().guidance(2), DecoderOptions.of());
        }
        try (model;
                decoder) {
            int[] tokens = decoder.decode(new ImageRequest(1, 7), DecodingListener.NONE);
            try (ImageModel other = open()) {
                assertThat(tokens).isEqualTo(decode(other));
                assertThat(model.picture(tokens).levels())
                        .isEqualTo(other.picture(tokens).levels());
            }
        }
    }

    /** A decoder that cannot be made holds nothing: the model can be closed, and no thread is left. */
    @Test
    void refusedDecodersLetGoOfTheirModel() throws Exception {
        ImageModel model = open();
        DecoderOptions two = DecoderOptions.of().batch(2).threads(2);
        Sampling beyond = Sampling.of().window(0, 1_000);
        assertThatThrownBy(() -> model.decoder(BLOCKS, beyond, two)).hasMessageContaining("window ends at 1000");
        model.close();
        assertThatThrownBy(() -> model.decoder(BLOCKS, Sampling.of(), two)).hasMessageContaining("closed");
        assertThat(Thread.getAllStackTraces().keySet())
                .extracting(Thread::getName)
                .noneMatch(name -> name.startsWith("coolsd-decoder"));
    }

    @Test
    void closedModelsThrowAndOpenDecodersKeepTheirs() throws Exception {
        ImageModel model = open();
        int[] tokens;
        try (SpeculativeDecoder decoder = model.decoder(BLOCKS, Sampling.of().guidance(2), DecoderOptions.of())) {
            assertThatThrownBy(model::close)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("in use");
            tokens = decoder.decode(new ImageRequest(1, 7), DecodingListener.NONE);
        }
        model.close();
        model.close();
        assertThatThrownBy(() -> model.decoder(BLOCKS, Sampling.of(), DecoderOptions.of()))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("closed");
        assertThatThrownBy(() -> model.picture(tokens))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("closed");
        assertThatThrownBy(() -> model.target().decoder().newCache(1)).isInstanceOf(IllegalStateException.class);
    }
}
