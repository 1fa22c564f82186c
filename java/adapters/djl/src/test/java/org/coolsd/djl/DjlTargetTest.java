package org.coolsd.djl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import ai.djl.repository.zoo.ZooModel;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.coolsd.Acceptance;
import org.coolsd.Sampling;
import org.coolsd.decode.Decoder;
import org.coolsd.decode.DecoderOptions;
import org.coolsd.decode.Drafter;
import org.coolsd.decode.Request;
import org.coolsd.decode.Result;
import org.coolsd.decode.TargetModel;
import org.coolsd.decode.TargetSession;
import org.coolsd.decode.Window;
import org.coolsd.onnxmodels.KeepsRefused;
import org.coolsd.onnxmodels.LawCheck;
import org.coolsd.onnxmodels.LlamaGenOnnx;
import org.coolsd.onnxmodels.LlamaGenShape;
import org.coolsd.onnxmodels.ModelWeights;
import org.coolsd.passes.RowTargetSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The adapter on DJL's engine of ONNX Runtime. A test of a law fails by chance once in 10^9. */
class DjlTargetTest {
    private static ZooModel<NDList, NDList> tiny;
    private static ZooModel<NDList, NDList> drafter;
    private static LawCheck law;

    @BeforeAll
    static void addUpTheLaw() throws Exception {
        LlamaGenShape shape = LawCheck.TINY;
        tiny = Models.load(LlamaGenOnnx.target(shape, ModelWeights.randomTarget(shape, 1)));
        drafter = Models.load(
                LlamaGenOnnx.drafter(shape, ModelWeights.randomDrafter(shape, 2), ModelWeights.randomTarget(shape, 1)));
        law = new LawCheck(new RawEngine(tiny, shape));
    }

    @AfterAll
    static void close() {
        drafter.close();
        tiny.close();
    }

    static DjlTarget<Integer> model() {
        return DjlTarget.<Integer>of(tiny, Models.shape(LawCheck.TINY), label -> LawCheck.prompt())
                .guided(label -> LawCheck.nullPrompt())
                .copying();
    }

    private static LawCheck.Decoded decode(TargetModel<Integer> model, String drafts, String rule) {
        Drafter<Integer> eagle = DjlEagle.of(drafter, Models.drafter(LawCheck.TINY));
        Acceptance acceptance = rule.equals("block") ? Acceptance.block() : Acceptance.token();
        return law.decode(model, LawCheck.drafter(drafts, eagle), acceptance);
    }

    @ParameterizedTest
    @CsvSource({"none,token", "jacobi,token", "jacobi,block", "coupled,token", "eagle,token", "eagle,block"})
    void losslessTokensHaveTheEnginesLaw(String drafts, String rule) {
        LawCheck.Decoded decoded = decode(model(), drafts, rule);
        assertThat(decoded.excess()).isLessThan(1);
        assertThat(decoded.acceptedLength() > 1.05).isEqualTo(!drafts.equals("none"));
    }

    /** A planted defect: the first refused position is seen by what comes behind it. */
    private record SeesRefused(DjlTarget<Integer> model) implements TargetModel<Integer> {
        @Override
        public int vocab() {
            return model.vocab();
        }

        @Override
        public TargetSession<Integer> open(int slots, int longestRun) {
            return new RowTargetSession<>(
                    rows -> new DjlPasses(model.model(), model.shape(), model.names(), false, true, rows) {
                        @Override
                        public void keep(int row, int count) {
                            super.keep(row, Math.min(sequence(), count + 1));
                        }
                    },
                    slots,
                    model.prompt(),
                    model.unconditional(),
                    model.allowed());
        }
    }

    @ParameterizedTest
    @CsvSource({"jacobi,token", "jacobi,block"})
    void aRefusedPositionThatIsSeenIsFound(String drafts, String rule) {
        assertThat(decode(new SeesRefused(model()), drafts, rule).excess()).isGreaterThan(1);
        assertThat(decode(new KeepsRefused(model()), drafts, rule).excess()).isGreaterThan(1);
    }

    @Test
    void whatIsNotAllowedDoesNotOccur() {
        DjlTarget<Integer> model = model().allowed(position -> position == 2 ? Window.forced(1) : new Window(0, 2));
        List<Request<Integer>> requests = List.of(
                Request.of(0, 1, Sampling.of().guidance(1.5f), 5),
                Request.of(0, 2, Sampling.of().guidance(1.5f), 4));
        try (Decoder<Integer> decoder = new Decoder<>(model, Drafter.jacobi(), DecoderOptions.of(3))) {
            for (Result result : decoder.decode(requests)) {
                assertThat(result.tokens()[2]).isEqualTo(1);
                assertThat(result.tokens()).doesNotContain(2);
            }
        }
    }

    /** What the README says of copies: inputs are not copied, what comes out is, and the adapter takes it only when told to. */
    @Test
    void theEngineOfOnnxRuntimeSharesInputsAndCopiesOutputs() {
        FloatBuffer values =
                ByteBuffer.allocateDirect(8).order(ByteOrder.nativeOrder()).asFloatBuffer();
        try (NDArray array = tiny.getNDManager().create(values, new Shape(2))) {
            values.put(0, 7);
            assertThat(array.toFloatArray()[0]).isEqualTo(7);
            assertThat(array.toByteBuffer(true).isDirect()).isFalse();
        }
        DjlTarget<Integer> strict = DjlTarget.of(tiny, Models.shape(LawCheck.TINY), label -> LawCheck.prompt());
        assertThatThrownBy(() -> new Decoder<>(strict, Drafter.none(), DecoderOptions.of(0)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith(
                        "the engine OnnxRuntime hands out its arrays as copies; allow it with copying()");
    }

    /** The shipped model, greedy: every token has the largest logit of a whole pass over the tokens before it. */
    @Test
    void greedyTokensOfTheShippedModelAreTheEnginesOwn() throws Exception {
        LlamaGenShape shape = LlamaGenShape.fashion();
        Path folder = Path.of("../../../models/fashion");
        ModelWeights weights = ModelWeights.read(folder.resolve("target.safetensors"));
        ModelWeights drafterWeights = ModelWeights.read(folder.resolve("drafter.safetensors"));
        try (ZooModel<NDList, NDList> loaded = Models.load(LlamaGenOnnx.target(shape, weights));
                ZooModel<NDList, NDList> eagle = Models.load(LlamaGenOnnx.drafter(shape, drafterWeights, weights))) {
            RawEngine raw = new RawEngine(loaded, shape);
            for (Drafter<Integer> drafts :
                    List.of(Drafter.<Integer>jacobi(), DjlEagle.<Integer>of(eagle, Models.drafter(shape)))) {
                List<Result> results = greedy(Example.target(loaded), drafts);
                for (int image = 0; image < results.size(); image++) {
                    int[] tokens = results.get(image).tokens();
                    assertThat(results.get(image).acceptedLength()).isGreaterThan(1.5);
                    float[][] c = raw.logits(behind(shape.classId(3 * image), tokens));
                    float[][] u = raw.logits(behind(shape.classId(shape.classes()), tokens));
                    for (int i = 0; i < tokens.length; i++) {
                        float largest = Float.NEGATIVE_INFINITY;
                        for (int v = 0; v < shape.vocab(); v++) {
                            largest = Math.max(largest, u[i][v] + 2 * (c[i][v] - u[i][v]));
                        }
                        int token = tokens[i];
                        assertThat(u[i][token] + 2 * (c[i][token] - u[i][token]))
                                .isGreaterThan(largest - 1e-3f);
                    }
                }
            }
        }
    }

    private static int[] behind(int condition, int[] tokens) {
        int[] ids = new int[tokens.length + 1];
        ids[0] = condition;
        System.arraycopy(tokens, 0, ids, 1, tokens.length);
        return ids;
    }

    private static List<Result> greedy(TargetModel<Integer> model, Drafter<Integer> drafts) {
        List<Request<Integer>> requests = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            // Lengths differ, so that a sequence leaves and another enters beside one that runs.
            Sampling greedy = Sampling.of().temperature(0).guidance(2);
            requests.add(Request.of(3 * i, 40 + i, greedy, 60 + 20 * i));
        }
        try (Decoder<Integer> decoder =
                new Decoder<>(model, drafts, DecoderOptions.of(4).slots(2))) {
            return decoder.decode(requests);
        }
    }
}
