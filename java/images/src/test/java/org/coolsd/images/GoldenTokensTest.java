package org.coolsd.images;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import javax.imageio.ImageIO;
import org.coolsd.Acceptance;
import org.coolsd.Sampling;
import org.coolsd.Schedule;
import org.coolsd.decode.Decoder;
import org.coolsd.decode.DecoderOptions;
import org.coolsd.decode.DraftPolicy;
import org.coolsd.decode.FactorPolicy;
import org.coolsd.decode.Result;
import org.coolsd.libtorch.LibTorch;
import org.coolsd.libtorch.Placement;
import org.coolsd.libtorch.Precision;
import org.coolsd.models.Prompt;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Images of the shipped model are, byte for byte, those that the engine's own loop made before there was coolsd-decode: alone
 * and in batches, with one thread and with two, for every kind of schedule. In f16, whose products do not depend on the batch.
 */
class GoldenTokensTest {
    private static final int IMAGES = 5;
    private static final long SEED = 300;
    /** Slots and threads; the pictures have {1, 1} and {4, 2}. */
    private static final int[][] WAYS = {{1, 2}, {4, 1}};

    private static Shipped<?> model;

    /** The shipped model. */
    private record Shipped<C>(ImagePipeline<C> images) {
        List<Result> decode(int guidance, DecoderOptions options, int threads, int count, long seed)
                throws IOException {
            Sampling sampling = Sampling.of().guidance(guidance);
            try (Decoder<C> decoder = images.decoder(guidance != 1, threads, options)) {
                return decoder.decode(images.inTurn(10, 0, count, seed, sampling));
            }
        }

        Picture picture(Result result) throws IOException {
            return images.picture(
                    images.request(new Prompt.Label(0), 0, Sampling.of()).condition(), result.tokens());
        }
    }

    @BeforeAll
    static void load() throws Exception {
        LibTorch.load(1);
        assumeThat(Precision.fastest())
                .as("the goldens are of f16, which needs FBGEMM; it is not on this machine")
                .isEqualTo(Precision.F16);
        ImageFolder folder = ImageFolder.open(Path.of("../../models/fashion"));
        model = new Shipped<>(ImagePipeline.load(folder, Precision.F16, Placement.cpu()));
    }

    @AfterAll
    static void free() {
        if (model != null) {
            model.images.close();
        }
    }

    private static Map<String, DecoderOptions> options() {
        Map<String, DecoderOptions> all = new LinkedHashMap<>();
        all.put("plain", DecoderOptions.of(0));
        all.put("lossless_5", DecoderOptions.of(5));
        DecoderOptions annealed = DecoderOptions.of(5).schedule(Schedule.exponential(1.1));
        all.put("exponential_1.1_5", annealed);
        all.put(
                "exponential_1.1_8_adaptive_0.6",
                DecoderOptions.of(8).schedule(Schedule.exponential(1.1)).drafts(DraftPolicy.adaptive(0.6)));
        all.put("budget_4_5", DecoderOptions.of(5).factors(FactorPolicy.budgetPerSequence(4)));
        return all;
    }

    @Test
    void tokensAreThoseBeforeTheCut() throws Exception {
        Properties goldens = new Properties();
        try (InputStream in = GoldenTokensTest.class.getResourceAsStream("golden-tokens.properties")) {
            goldens.load(in);
        }
        int compared = 0;
        for (int guidance : new int[] {2, 1}) {
            for (Acceptance rule : List.of(Acceptance.token(), Acceptance.block())) {
                for (Map.Entry<String, DecoderOptions> one : options().entrySet()) {
                    String name = "guidance_" + guidance + (rule instanceof Acceptance.Block ? "_block_" : "_token_")
                            + one.getKey();
                    for (int[] way : WAYS) {
                        assertThat(tokens(guidance, one.getValue().acceptance(rule), way))
                                .as("%s, slots %s, threads %s", name, way[0], way[1])
                                .isEqualTo(goldens.getProperty(name));
                    }
                    compared++;
                }
            }
        }
        assertThat(compared).isEqualTo(goldens.size());
    }

    private static String tokens(int guidance, DecoderOptions options, int[] way) throws Exception {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        for (Result result : model.decode(guidance, options.slots(way[0]), way[1], IMAGES, SEED)) {
            int[] image = result.tokens();
            ByteBuffer bytes = ByteBuffer.allocate(Integer.BYTES * image.length);
            bytes.asIntBuffer().put(image);
            digest.update(bytes);
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    /** What {@code coolsd generate --count 8 --seed 40 --precision f16} wrote, and with lossless tokens in a batch. */
    @Test
    void picturesAreThoseBeforeTheCut(@TempDir Path folder) throws Exception {
        DecoderOptions annealed =
                DecoderOptions.of(5).schedule(Schedule.exponential(1.1)).acceptance(Acceptance.block());
        assertThat(pixels(annealed, 1, folder))
                .isEqualTo("7e3c9aebba14f30673c68fbbc7ec443d9fdaed7d3307ea2aaa34de003b59f438");
        assertThat(pixels(DecoderOptions.of(5).slots(4), 2, folder))
                .isEqualTo("0f005179b73c31da159179cbd767c5c083a836dcce7f2c457f97d99d8351cfcc");
    }

    private static String pixels(DecoderOptions options, int threads, Path folder) throws Exception {
        Path file = folder.resolve("images.png");
        List<Picture> pictures = new ArrayList<>();
        for (Result result : model.decode(2, options, threads, 8, 40)) {
            pictures.add(model.picture(result));
        }
        ImageGrid.write(pictures, file);
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        BufferedImage grid = ImageIO.read(file.toFile());
        for (int y = 0; y < grid.getHeight(); y++) {
            for (int x = 0; x < grid.getWidth(); x++) {
                digest.update((byte) grid.getRaster().getSample(x, y, 0));
            }
        }
        return HexFormat.of().formatHex(digest.digest());
    }
}
