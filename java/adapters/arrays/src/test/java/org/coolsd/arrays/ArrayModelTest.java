package org.coolsd.arrays;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.coolsd.Acceptance;
import org.coolsd.CoolsdException;
import org.coolsd.Sampling;
import org.coolsd.decode.Decoder;
import org.coolsd.decode.DecoderOptions;
import org.coolsd.decode.Drafter;
import org.coolsd.decode.Request;
import org.coolsd.decode.Result;
import org.coolsd.testing.ChiSquare;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ArrayModelTest {
    private static final int VOCAB = 3;
    private static final int LENGTH = 4;
    private static final int SEQUENCES = 40_000;
    private static final float GUIDANCE = 1.5f;

    /** An engine whose cache is its tokens by position: logits depend on all of them and on the condition. */
    private static final class CachedEngine implements ArrayEngine<Integer, int[]> {
        /** A planted defect: a token that was refused stays in the cache. */
        private final boolean keepsRefused;

        CachedEngine(boolean keepsRefused) {
            this.keepsRefused = keepsRefused;
        }

        @Override
        public int vocab() {
            return VOCAB;
        }

        @Override
        public int[] newState() {
            return new int[1 + 64];
        }

        @Override
        public float[] begin(int[] state, Integer condition) {
            Arrays.fill(state, -1);
            state[0] = condition;
            return logits(state, 1);
        }

        @Override
        public float[] next(int[] state, int token, int position) {
            if (!keepsRefused || state[1 + position] < 0) {
                state[1 + position] = token;
            }
            return logits(state, 2 + position);
        }

        static float[] logits(int[] state, int count) {
            long hash = count;
            for (int i = 0; i < count; i++) {
                hash = 31 * hash + state[i];
            }
            SplittableRandom random = new SplittableRandom(hash * 0x9e3779b97f4a7c15L);
            float[] row = new float[VOCAB];
            for (int v = 0; v < VOCAB; v++) {
                row[v] = (float) (3 * random.nextDouble());
            }
            return row;
        }
    }

    /** The guided law of sequences, by plain arithmetic. */
    private static double[] law() {
        double[] law = new double[(int) Math.pow(VOCAB, LENGTH)];
        for (int code = 0; code < law.length; code++) {
            int[] conditional = new int[1 + LENGTH];
            int[] unconditional = new int[1 + LENGTH];
            unconditional[0] = 7;
            law[code] = 1;
            for (int i = 0; i < LENGTH; i++) {
                float[] c = CachedEngine.logits(conditional, 1 + i);
                float[] u = CachedEngine.logits(unconditional, 1 + i);
                int token = code / (int) Math.pow(VOCAB, LENGTH - 1 - i) % VOCAB;
                double sum = 0;
                for (int v = 0; v < VOCAB; v++) {
                    sum += Math.exp(u[v] + GUIDANCE * (c[v] - u[v]));
                }
                law[code] *= Math.exp(u[token] + GUIDANCE * (c[token] - u[token])) / sum;
                conditional[1 + i] = token;
                unconditional[1 + i] = token;
            }
        }
        return law;
    }

    /** Pearson's statistic of sequences over what it exceeds once in 10^9. */
    private static double excess(CachedEngine engine, Drafter<Integer> drafter, Acceptance acceptance) {
        List<Request<Integer>> requests = new ArrayList<>();
        for (int seed = 0; seed < SEQUENCES; seed++) {
            requests.add(Request.of(0, seed, Sampling.of().guidance(GUIDANCE), LENGTH));
        }
        double[] law = law();
        long[] counts = new long[law.length];
        DecoderOptions options = DecoderOptions.of(3).slots(8).acceptance(acceptance);
        try (Decoder<Integer> decoder = new Decoder<>(ArrayModel.guided(engine, 7), drafter, options)) {
            for (Result result : decoder.decode(requests)) {
                counts[Arrays.stream(result.tokens()).reduce(0, (code, token) -> code * VOCAB + token)]++;
            }
        }
        return ChiSquare.excess(counts, law);
    }

    @ParameterizedTest
    @CsvSource({"none,token", "jacobi,token", "jacobi,block", "coupled,token", "lookup,block"})
    void losslessTokensHaveTheEnginesLaw(String drafter, String rule) {
        Drafter<Integer> drafts =
                switch (drafter) {
                    case "none" -> Drafter.none();
                    case "jacobi" -> Drafter.jacobi();
                    case "coupled" -> Drafter.coupled();
                    default -> Drafter.lookup(1);
                };
        Acceptance acceptance = rule.equals("block") ? Acceptance.block() : Acceptance.token();
        assertThat(excess(new CachedEngine(false), drafts, acceptance)).isLessThan(1);
    }

    @Test
    void aRefusedTokenThatStaysInTheCacheIsSeen() {
        assertThat(excess(new CachedEngine(true), Drafter.jacobi(), Acceptance.token()))
                .isGreaterThan(1);
    }

    @Test
    void theSamplerHasTheEnginesLaw() {
        CachedEngine engine = new CachedEngine(false);
        double[] law = law();
        long[] counts = new long[law.length];
        int[] conditional = engine.newState();
        int[] unconditional = engine.newState();
        try (ArraySampler sampler = new ArraySampler(VOCAB, Sampling.of().guidance(GUIDANCE))) {
            for (int seed = 0; seed < SEQUENCES; seed++) {
                float[] c = engine.begin(conditional, 0);
                float[] u = engine.begin(unconditional, 7);
                int code = 0;
                for (int i = 0; i < LENGTH; i++) {
                    int token = sampler.sample(c, u, seed, i);
                    code = code * VOCAB + token;
                    c = engine.next(conditional, token, i);
                    u = engine.next(unconditional, token, i);
                }
                counts[code]++;
            }
            assertThat(ChiSquare.excess(counts, law)).isLessThan(1);
            assertThatThrownBy(() -> sampler.sample(new float[] {0, Float.NaN, 0}, 1, 0))
                    .isInstanceOf(CoolsdException.class)
                    .hasMessageContaining("NAN");
        }
        try (ArraySampler greedy = new ArraySampler(VOCAB, Sampling.of().temperature(0))) {
            assertThat(greedy.sample(new float[] {0, 2, 1}, 1, 0)).isEqualTo(1);
        }
    }

    /** The shipped model, greedy: drafts change nothing, so that the cache is rolled back as it must be. */
    @Test
    void greedyTokensOfTheShippedModelAreThoseOfItsOwnLoop() throws Exception {
        ImageTransformer engine = new ImageTransformer(Path.of("../../../models/fashion/target.safetensors"));
        int length = 60;
        int[] own = new int[length];
        ImageTransformer.State state = engine.newState();
        float[] logits = engine.begin(state, 3);
        for (int i = 0; i < length; i++) {
            for (int v = 1; v < engine.vocab(); v++) {
                own[i] = logits[v] > logits[own[i]] ? v : own[i];
            }
            logits = engine.next(state, own[i], i);
        }
        Request<Integer> request = Request.of(3, 1, Sampling.of().temperature(0), length);
        for (Drafter<Integer> drafter : List.of(Drafter.<Integer>jacobi(), Drafter.<Integer>lookup(2))) {
            try (Decoder<Integer> decoder = new Decoder<>(ArrayModel.of(engine), drafter, DecoderOptions.of(4))) {
                Result result = decoder.decode(List.of(request)).get(0);
                assertThat(result.tokens()).isEqualTo(own);
                assertThat(result.accepted()).isPositive();
                assertThat(result.drafted()).isGreaterThan(result.accepted());
            }
        }
    }
}
