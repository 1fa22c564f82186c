package org.coolsd.models.chameleon;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.coolsd.Acceptance;
import org.coolsd.Sampling;
import org.coolsd.decode.Decoder;
import org.coolsd.decode.DecoderOptions;
import org.coolsd.decode.Drafter;
import org.coolsd.decode.Request;
import org.coolsd.decode.Result;
import org.coolsd.libtorch.LibTorch;
import org.coolsd.libtorch.PassScope;
import org.coolsd.libtorch.Tensors;
import org.coolsd.libtorch.Weights;
import org.coolsd.models.Checkpoints;
import org.coolsd.models.Prompt;
import org.coolsd.testing.ChiSquare;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Lossless images against the law that the model over whole sequences gives them, forced tokens and guidance included: Pearson's
 * statistic over all images of 2 x 2 codes of which each is one of three, with a false alarm once in 10^9 runs.
 */
class ChameleonLawTest {
    private static final int KINDS = 3;
    private static final int CODES = 4;
    private static final int ALL = 81;
    private static final int IMAGES = 1500;
    private static final float GUIDANCE = 3;
    private static final int FIRST = 4;

    @TempDir
    private static Path folder;

    @TempDir
    private static Path drafterFolder;

    private static LoadedChameleon model;
    private static ChameleonPrompt prompt;
    private static double[] law;
    private static double[] unguided;

    @BeforeAll
    static void load() throws Exception {
        LibTorch.load(1);
        TinyChameleon.copy(folder);
        model = TinyChameleon.load(folder);
        prompt = model.condition(new Prompt.Text("a red cat", 32, 32));
        ChameleonComponent component =
                (ChameleonComponent) Checkpoints.find(folder).get(0);
        try (PassScope scope = new PassScope();
                Weights weights = component.files().keptWeights(ScalarType.Float)) {
            Chameleon whole = new Chameleon(component.config(), weights);
            Tensor conditional = logits(whole, prompt.tokens());
            Tensor unconditional = logits(whole, prompt.unconditional());
            law = law(conditional.sub(unconditional).mul(new Scalar(GUIDANCE)).add(unconditional));
            unguided = law(conditional);
        }
    }

    @AfterAll
    static void close() {
        model.close();
    }

    /** Code {@code place} of image {@code image}, 0 to 2. */
    private static int code(int image, int place) {
        return image / (int) Math.pow(KINDS, place) % KINDS;
    }

    /** All tokens of an image, in the model's vocabulary: height, width, two codes and an end of line, twice. */
    private static int[] tokens(int image) {
        return new int[] {
            73, 73, FIRST + code(image, 0), FIRST + code(image, 1), 71, FIRST + code(image, 2), FIRST + code(image, 3)
        };
    }

    /** Logits [81, 4, 3] of the kinds at the places of the codes, in every image. */
    private static Tensor logits(Chameleon whole, int[] begin) {
        int n = begin.length + tokens(0).length;
        long[] all = new long[ALL * n];
        for (int image = 0; image < ALL; image++) {
            for (int i = 0; i < n; i++) {
                all[image * n + i] = i < begin.length ? begin[i] : tokens(image)[i - begin.length];
            }
        }
        Tensor logits = whole.logits(whole.features(Tensors.of(all, ALL, n))).narrow(2, FIRST, KINDS);
        // Position i predicts token i + 1; places 0 and 1 are tokens 2 and 3 of the image, 2 and 3 tokens 5 and 6.
        long at = begin.length;
        return logits.index_select(1, Tensors.of(new long[] {at + 1, at + 2, at + 4, at + 5}, CODES));
    }

    private static double[] law(Tensor logits) {
        float[] laws = new float[ALL * CODES * KINDS];
        new FloatPointer(logits.softmax(-1).contiguous().data_ptr_float()).get(laws);
        double[] law = new double[ALL];
        for (int image = 0; image < ALL; image++) {
            law[image] = 1;
            for (int place = 0; place < CODES; place++) {
                law[image] *= laws[(image * CODES + place) * KINDS + code(image, place)];
            }
        }
        return law;
    }

    private static long[] counts(Drafter<ChameleonPrompt> drafter, Acceptance acceptance) {
        List<Request<ChameleonPrompt>> requests = new ArrayList<>();
        Sampling sampling = Sampling.of().guidance(GUIDANCE).window(0, KINDS);
        for (int seed = 0; seed < IMAGES; seed++) {
            requests.add(Request.of(prompt, seed, sampling, model.length(prompt)));
        }
        long[] counts = new long[ALL];
        DecoderOptions options = DecoderOptions.of(2).slots(16).acceptance(acceptance);
        try (Decoder<ChameleonPrompt> decoder = new Decoder<>(model.model(true, 1), drafter, options)) {
            for (Result result : decoder.decode(requests)) {
                int[] t = result.tokens();
                counts[t[2] + KINDS * t[3] + KINDS * KINDS * t[5] + KINDS * KINDS * KINDS * t[6]]++;
            }
        }
        return counts;
    }

    @ParameterizedTest
    @CsvSource({"jacobi,token", "jacobi,block", "coupled,token", "eagle,token", "eagle,block"})
    void losslessImagesHaveTheTargetsLaw(String drafts, String rule) throws Exception {
        Drafter<ChameleonPrompt> drafter =
                switch (drafts) {
                    case "jacobi" -> Drafter.jacobi();
                    case "coupled" -> Drafter.coupled();
                    default -> TinyChameleon.eagle(model, drafterFolder);
                };
        Acceptance acceptance = rule.equals("block") ? Acceptance.block() : Acceptance.token();
        assertThat(ChiSquare.excess(counts(drafter, acceptance), law)).isLessThan(1);
    }

    /** The same test sees images that are sampled without the other branch's prompt. */
    @Test
    void anotherLawIsSeen() {
        assertThat(ChiSquare.excess(counts(Drafter.none(), Acceptance.token()), unguided))
                .isGreaterThan(1);
    }
}
