package org.coolsd.models.llamagen;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.pytorch.Tensor;
import org.coolsd.Acceptance;
import org.coolsd.Sampling;
import org.coolsd.Schedule;
import org.coolsd.decode.Decoder;
import org.coolsd.decode.DecoderOptions;
import org.coolsd.decode.Drafter;
import org.coolsd.decode.Request;
import org.coolsd.decode.Result;
import org.coolsd.decode.TargetModel;
import org.coolsd.libtorch.KvCache;
import org.coolsd.libtorch.PassScope;
import org.coolsd.libtorch.Placement;
import org.coolsd.libtorch.Precision;
import org.coolsd.models.decoder.Conditioning;
import org.coolsd.models.decoder.DecoderForward;
import org.coolsd.models.decoder.DecoderPass;
import org.coolsd.models.decoder.Prefix;
import org.coolsd.models.eagle.EagleModel;
import org.coolsd.models.tiny.Fixture;
import org.coolsd.models.tiny.TinyModel;
import org.coolsd.testing.ChiSquare;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Speculative decoding of the tiny models has the law of the target: the first three tokens together, guided, three tokens of
 * the vocabulary, against the product of the target's own laws. Pearson's statistic; a right decoder fails once in 1e9
 * runs. Seeds are fixed: the outcome is always the same.
 */
class TargetLawTest {
    private static final int SEQUENCES = 2500;
    private static final int LENGTH = 3;
    private static final int KEPT = 3;
    private static final int FIRST = 40;
    private static final int VOCAB = 128;
    private static final Sampling SAMPLING =
            Sampling.of().guidance(1.5f).temperature(2).window(FIRST, FIRST + KEPT);

    @ParameterizedTest
    @CsvSource({
        "c2i,eagle,token,1",
        "c2i,eagle,block,2",
        "c2i,jacobi,token,2",
        "c2i,jacobi,block,1",
        "t2i,eagle,token,2",
        "t2i,eagle,block,1",
        "t2i,jacobi,token,1",
        "t2i,jacobi,block,2",
    })
    void losslessIsTheTargetsLaw(String family, String drafter, String rule, int threads) throws Exception {
        if (family.equals("c2i")) {
            TinyModel model = TinyModel.load(4, Precision.F32, Placement.cpu());
            check(
                    new LlamaGenTarget(model.target(), true, threads),
                    model,
                    model.target().classes(),
                    7,
                    drafter,
                    rule);
        } else {
            TinyModel model = TinyModel.ofCaptions(4);
            Fixture fixture = Fixture.open("gpt-t2i");
            Caption caption = CaptionFile.of(
                    fixture.expected().get("caption_embeddings").select(0, 0),
                    fixture.expected().get("caption_mask").select(0, 0));
            check(model.target().captions(true, threads), model, model.target().captions(), caption, drafter, rule);
        }
    }

    private static <C> void check(
            TargetModel<C> target,
            TinyModel model,
            Conditioning<C> conditioning,
            C condition,
            String drafter,
            String rule) {
        double[] law = new double[KEPT * KEPT * KEPT];
        List<int[]> words = new ArrayList<>();
        try (PassScope scope = new PassScope()) {
            extend(model.target().decoder(), conditioning, condition, new int[0], 1, words, law);
        }
        long[] counts = new long[law.length];
        List<Request<C>> requests = new ArrayList<>();
        for (int seed = 0; seed < SEQUENCES; seed++) {
            requests.add(Request.of(condition, seed, SAMPLING, LENGTH));
        }
        DecoderOptions options = DecoderOptions.of(LENGTH - 1)
                .slots(10)
                .schedule(Schedule.lossless())
                .acceptance(rule.equals("block") ? Acceptance.block() : Acceptance.token());
        Drafter<C> drafts = drafter.equals("eagle") ? new EagleModel<>(model.drafter()) : Drafter.jacobi();
        long drafted = 0;
        long accepted = 0;
        try (Decoder<C> decoder = new Decoder<>(target, drafts, options)) {
            for (Result result : decoder.decode(requests)) {
                counts[index(words, result.tokens())]++;
                drafted += result.drafted();
                accepted += result.accepted();
            }
        }
        // Neither all nor nothing is accepted, or the test would show little.
        assertThat(accepted).isGreaterThan(SEQUENCES / 20).isLessThan(drafted - SEQUENCES / 50);
        assertThat(ChiSquare.excess(counts, law)).isLessThan(1);
    }

    /** The index of a word of {@link #LENGTH} tokens. */
    private static int index(List<int[]> words, int[] tokens) {
        for (int i = 0; i < words.size(); i++) {
            if (Arrays.equals(words.get(i), tokens)) {
                return i;
            }
        }
        throw new AssertionError(Arrays.toString(tokens) + " has probability 0");
    }

    /** Adds the words that begin with {@code tokens}, whose probability is {@code p}. */
    private static <C> void extend(
            DecoderForward target,
            Conditioning<C> conditioning,
            C condition,
            int[] tokens,
            double p,
            List<int[]> words,
            double[] law) {
        if (tokens.length == LENGTH) {
            law[words.size()] = p;
            words.add(tokens);
            return;
        }
        float[] guided = guided(target, conditioning, condition, tokens);
        double sum = 0;
        for (int v = FIRST; v < FIRST + KEPT; v++) {
            sum += Math.exp(guided[v] / 2);
        }
        for (int v = FIRST; v < FIRST + KEPT; v++) {
            int[] longer = Arrays.copyOf(tokens, tokens.length + 1);
            longer[tokens.length] = v;
            extend(target, conditioning, condition, longer, p * Math.exp(guided[v] / 2) / sum, words, law);
        }
    }

    /** Guided logits behind {@code tokens}, in one pass over the whole sequence. */
    private static <C> float[] guided(DecoderForward target, Conditioning<C> conditioning, C condition, int[] tokens) {
        Prefix[] prefixes = {conditioning.prefix(condition, true), conditioning.prefix(condition, false)};
        int n = prefixes[0].length() + tokens.length;
        try (DecoderPass pass = target.newPass(2 * n);
                KvCache cache = target.newCache(2)) {
            pass.begin();
            pass.add(cache, prefixes, conditioning.turn(prefixes[0].length()), tokens, n);
            pass.run();
            float[] with = row(pass.logits(), n - 1);
            float[] without = row(pass.logits(), 2 * n - 1);
            for (int v = 0; v < VOCAB; v++) {
                with[v] = without[v] + 1.5f * (with[v] - without[v]);
            }
            return with;
        }
    }

    private static float[] row(Tensor logits, long i) {
        float[] row = new float[VOCAB];
        new FloatPointer(logits.select(0, i).contiguous().data_ptr()).get(row);
        return row;
    }
}
