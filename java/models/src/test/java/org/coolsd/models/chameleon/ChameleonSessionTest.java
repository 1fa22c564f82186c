package org.coolsd.models.chameleon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.coolsd.models.tiny.Fixture.assertClose;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.coolsd.Acceptance;
import org.coolsd.Sampling;
import org.coolsd.decode.Decoder;
import org.coolsd.decode.DecoderOptions;
import org.coolsd.decode.Drafter;
import org.coolsd.decode.Request;
import org.coolsd.decode.Result;
import org.coolsd.decode.Window;
import org.coolsd.libtorch.KvCache;
import org.coolsd.libtorch.LibTorch;
import org.coolsd.libtorch.PassScope;
import org.coolsd.models.Checkpoints;
import org.coolsd.models.ImageCodes;
import org.coolsd.models.Prompt;
import org.coolsd.models.Summary;
import org.coolsd.models.decoder.DecoderPass;
import org.coolsd.models.decoder.Prefix;
import org.coolsd.models.tiny.Fixture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The tiny decoder in the decoding loop. */
class ChameleonSessionTest {
    /** The window of the image tokens. */
    private static final int FIRST = 4;

    private static final int CODES = 64;

    @TempDir
    private static Path folder;

    @TempDir
    private static Path drafterFolder;

    private static LoadedChameleon model;

    @BeforeAll
    static void load() throws Exception {
        LibTorch.load(1);
        TinyChameleon.copy(folder);
        model = TinyChameleon.load(folder);
    }

    @AfterAll
    static void close() {
        model.close();
    }

    /** The official logits of whole sequences, a few positions a pass and of the image tokens only. */
    @Test
    void passesHaveTheOfficialLogitsOfTheWindow() throws Exception {
        Fixture fixture = Fixture.open("chameleon");
        Tensor tokens = fixture.expected().get("tokens").to(ScalarType.Long).contiguous();
        Tensor logits = fixture.expected().get("logits").narrow(2, FIRST, CODES);
        int n = (int) tokens.size(1);
        assertThat(model.forward().vocab()).isEqualTo(CODES);
        try (DecoderPass pass = model.forward().newPass(n);
                KvCache cache = model.forward().newCache(1)) {
            for (int[] chunks : new int[][] {{20}, {1, 5, 2, 12}, {7, 1, 1, 11}}) {
                for (int sequence = 0; sequence < tokens.size(0); sequence++) {
                    long[] ids = new long[n];
                    new LongPointer(tokens.data_ptr())
                            .position((long) sequence * n)
                            .get(ids);
                    cache.rollBack(0);
                    for (int chunk : chunks) {
                        int from = cache.length();
                        pass.begin();
                        int row = pass.add(cache, new Prefix[] {Prefix.of(ids)}, 0, new int[0], chunk);
                        try (PassScope scope = new PassScope()) {
                            pass.run();
                            assertClose(
                                    pass.logits().narrow(0, row, chunk),
                                    logits.select(0, sequence).narrow(0, from, chunk));
                        }
                    }
                }
            }
        }
    }

    @Test
    void whatIsSaidOfIt() throws Exception {
        Summary summary = Checkpoints.find(folder).get(0).summary();
        assertThat(summary.architecture()).isEqualTo("Chameleon, 2 layers of width 64");
        assertThat(summary.vocabulary()).isEqualTo(512);
        assertThat(summary.imageTokens()).isEqualTo(new Window(FIRST, FIRST + CODES));
        // Total size of the index, over the bytes of a number.
        assertThat(summary.parameters()).isEqualTo(640768 / Float.BYTES);
        assertThat(summary.perImage()).isEqualTo(2L * 2 * 2 * 1536 * 64 * Float.BYTES);
    }

    private static List<Result> decode(ChameleonPrompt prompt, Drafter<ChameleonPrompt> drafter, String rule, int n) {
        List<Request<ChameleonPrompt>> requests = new ArrayList<>();
        for (int seed = 0; seed < n; seed++) {
            requests.add(Request.of(prompt, seed, Sampling.of().guidance(2).topK(40), model.length(prompt)));
        }
        DecoderOptions options = DecoderOptions.of(3)
                .slots(2)
                .acceptance(rule.equals("block") ? Acceptance.block() : Acceptance.token());
        try (Decoder<ChameleonPrompt> decoder = new Decoder<>(model.model(true, 1), drafter, options)) {
            return decoder.decode(requests);
        }
    }

    /** What the grammar forces stands where it says and costs no step; all else is a code. */
    @ParameterizedTest
    @CsvSource({"none,token", "jacobi,token", "jacobi,block", "coupled,token", "eagle,token", "eagle,block"})
    void forcedTokensAndNoneOutsideTheWindow(String drafts, String rule) throws Exception {
        Drafter<ChameleonPrompt> drafter =
                switch (drafts) {
                    case "jacobi" -> Drafter.jacobi();
                    case "coupled" -> Drafter.coupled();
                    case "eagle" -> TinyChameleon.eagle(model, drafterFolder);
                    default -> Drafter.none();
                };
        // 3 x 2 units: 4 rows of 6 codes.
        ChameleonPrompt prompt = model.condition(new Prompt.Text("a red cat", 96, 64));
        for (Result result : decode(prompt, drafter, rule, 6)) {
            int[] tokens = result.tokens();
            assertThat(tokens).hasSize(2 + 4 * 7 + 1);
            assertThat(tokens[0] + FIRST).isEqualTo(72 + 2);
            assertThat(tokens[1] + FIRST).isEqualTo(72 + 3);
            for (int i = 2; i < tokens.length - 1; i++) {
                if ((i - 2) % 7 == 6) {
                    assertThat(tokens[i] + FIRST).isEqualTo(71);
                } else {
                    assertThat(tokens[i]).isBetween(0, CODES - 1);
                }
            }
            assertThat(tokens[tokens.length - 1] + FIRST).isEqualTo(68);
            assertThat(result.forced()).isEqualTo(2 + 4 + 1);
            assertThat(result.steps()).isLessThanOrEqualTo(4 * 6);
            assertThat(result.drafted() > 0).isEqualTo(!drafts.equals("none"));
            // A step yields what it accepts and one token more, none of which is forced.
            assertThat(result.accepted()).isEqualTo(4 * 6 - result.steps());
            ImageCodes codes = model.codes(prompt, tokens);
            assertThat(codes.rows()).isEqualTo(4);
            assertThat(codes.columns()).isEqualTo(6);
            assertThat(codes.indices()[7]).isEqualTo(TinyVocabulary.code(tokens[2 + 7 + 1] + FIRST));
        }
    }

    /** Images do not depend on what is decoded beside them, nor on the threads at work. */
    @Test
    void threadsAndNeighboursChangeNoToken() {
        ChameleonPrompt prompt = model.condition(new Prompt.Text("a red cat", 64, 64));
        Request<ChameleonPrompt> request = Request.of(prompt, 7, Sampling.of().guidance(2), model.length(prompt));
        ChameleonPrompt other = model.condition(new Prompt.Text("an image of another length", 32, 96));
        Request<ChameleonPrompt> neighbour = Request.of(other, 8, Sampling.of().guidance(2), model.length(other));
        int[] alone = tokens(1, List.of(request), 1);
        assertThat(tokens(2, List.of(request), 1)).isEqualTo(alone);
        assertThat(tokens(2, List.of(request, neighbour), 2)).isEqualTo(alone);
    }

    private static int[] tokens(int threads, List<Request<ChameleonPrompt>> requests, int slots) {
        try (Decoder<ChameleonPrompt> decoder = new Decoder<>(
                model.model(true, threads),
                Drafter.jacobi(),
                DecoderOptions.of(3).slots(slots))) {
            return decoder.decode(requests).get(0).tokens();
        }
    }

    @Test
    void promptsThatItMakesNoImagesOf() {
        assertThatThrownBy(() -> model.condition(new Prompt.Label(3)))
                .hasMessage("Lumina-mGPT makes images of words: use --prompt");
        assertThatThrownBy(() -> model.condition(new Prompt.Text("cat", 1024, 1024)))
                .hasMessageMatching("prompt and image have \\d+ tokens and max_position_embeddings is 4096;"
                        + " shorten the one or make the other smaller");
    }
}
