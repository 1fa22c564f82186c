package org.coolsd.jlama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.tensor.AbstractTensor;
import com.github.tjake.jlama.tensor.KvBufferCache;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletionException;
import org.coolsd.Acceptance;
import org.coolsd.Sampling;
import org.coolsd.decode.Decoder;
import org.coolsd.decode.DecoderOptions;
import org.coolsd.decode.Drafter;
import org.coolsd.decode.Request;
import org.coolsd.decode.Result;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Statistics exceed their bounds by chance once in 10^9 runs of a test. */
class JlamaModelTest {
    private static final int VOCAB = 4;
    private static final int LENGTH = 3;
    private static final int SEQUENCES = 8000;
    private static final int[] PROMPT = {0, 2};

    @TempDir
    static Path folder;

    private static AbstractModel model;
    private static SequenceLaw law;

    @BeforeAll
    static void loads() throws Exception {
        model = new TinyLlama(VOCAB, 2, 1, 5).load(folder);
        law = SequenceLaw.of(model, PROMPT, LENGTH);
    }

    @AfterAll
    static void closes() {
        model.close();
    }

    @ParameterizedTest
    @CsvSource({"none,token", "jacobi,token", "jacobi,block", "coupled,token", "lookup,block"})
    void losslessTokensHaveJlamasLaw(String drafter, String rule) {
        Drafter<int[]> drafts =
                switch (drafter) {
                    case "none" -> Drafter.none();
                    case "jacobi" -> Drafter.jacobi();
                    case "coupled" -> Drafter.coupled();
                    default -> Drafter.lookup(1);
                };
        Acceptance acceptance = rule.equals("block") ? Acceptance.block() : Acceptance.token();
        assertThat(law.excess(decode(drafts, acceptance))).isLessThan(1);
    }

    private static long[] decode(Drafter<int[]> drafter, Acceptance acceptance) {
        List<Request<int[]>> requests = new ArrayList<>();
        for (int seed = 0; seed < SEQUENCES; seed++) {
            requests.add(Request.of(PROMPT, seed, Sampling.of(), LENGTH));
        }
        long[] counts = law.counts();
        DecoderOptions options = DecoderOptions.of(2).slots(4).acceptance(acceptance);
        try (Decoder<int[]> decoder = new Decoder<>(JlamaModel.of(model), drafter, options)) {
            for (Result result : decoder.decode(requests)) {
                counts[law.code(result.tokens())]++;
            }
        }
        return counts;
    }

    @Test
    void theSamplerHasJlamasLaw() {
        long[] counts = law.counts();
        try (JlamaSampler sampler = new JlamaSampler(model, Sampling.of())) {
            KvBufferCache.KvBuffer cache = new KvBufferCache(model).getEphemeralKvBuffer();
            for (int seed = 0; seed < SEQUENCES; seed++) {
                int[] tokens = new int[LENGTH];
                int[] next = PROMPT;
                int position = 0;
                for (int i = 0; i < LENGTH; i++) {
                    try (AbstractTensor<?, ?> output = model.batchForward(next, position, cache)) {
                        tokens[i] = sampler.sample(output.slice(next.length - 1), seed, i);
                    }
                    position += next.length;
                    next = new int[] {tokens[i]};
                }
                counts[law.code(tokens)]++;
            }
            cache.close();
        }
        assertThat(law.excess(counts)).isLessThan(1);
    }

    /** A law that is another one by a few per cent is told apart by as many sequences. */
    @Test
    void anotherTemperatureIsSeen() {
        long[] counts = law.counts();
        List<Request<int[]>> requests = new ArrayList<>();
        for (int seed = 0; seed < SEQUENCES; seed++) {
            requests.add(Request.of(PROMPT, seed, Sampling.of().temperature(0.8f), LENGTH));
        }
        try (Decoder<int[]> decoder = new Decoder<>(JlamaModel.of(model), Drafter.none(), DecoderOptions.of(2))) {
            for (Result result : decoder.decode(requests)) {
                counts[law.code(result.tokens())]++;
            }
        }
        assertThat(law.excess(counts)).isGreaterThan(1);
    }

    /** Greedy tokens behind a prompt longer than a pass: drafts change nothing, so the cache is rolled back as it must be. */
    @Test
    void greedyTokensAreThoseOfJlamasOwnLoop() {
        int[] prompt = new int[150];
        for (int i = 0; i < prompt.length; i++) {
            prompt[i] = i * i % VOCAB;
        }
        int[] own = greedy(prompt, 60);
        List<Request<int[]>> requests = new ArrayList<>();
        for (int seed = 0; seed < 3; seed++) {
            requests.add(Request.of(prompt, seed, Sampling.of().temperature(0), own.length));
        }
        for (Drafter<int[]> drafter :
                List.of(Drafter.<int[]>none(), Drafter.<int[]>jacobi(), Drafter.<int[]>lookup(2))) {
            DecoderOptions options = DecoderOptions.of(4).slots(2);
            try (Decoder<int[]> decoder = new Decoder<>(JlamaModel.of(model), drafter, options)) {
                for (Result result : decoder.decode(requests)) {
                    assertThat(result.tokens()).isEqualTo(own);
                }
            }
        }
    }

    private static int[] greedy(int[] prompt, int length) {
        int[] tokens = new int[length];
        KvBufferCache.KvBuffer cache = new KvBufferCache(model).getEphemeralKvBuffer();
        try (AbstractTensor<?, ?> logits = model.makeDenseTensor(1, VOCAB)) {
            int[] next = prompt;
            int position = 0;
            for (int i = 0; i < length; i++) {
                try (AbstractTensor<?, ?> output = model.batchForward(next, position, cache)) {
                    tokens[i] = model.sample(output.slice(next.length - 1), 0, 0, logits);
                }
                position += next.length;
                next = new int[] {tokens[i]};
            }
        }
        cache.close();
        return tokens;
    }

    @Test
    void aWrongPromptAndAFullContextEndTheirRequest() {
        Sampling sampling = Sampling.of();
        try (Decoder<int[]> decoder = new Decoder<>(
                JlamaModel.of(model), Drafter.none(), DecoderOptions.of(2).slots(2))) {
            assertThatThrownBy(() -> decoder.decode(List.of(Request.of(new int[0], 1, sampling, 4))))
                    .isInstanceOf(CompletionException.class)
                    .hasMessageContaining("the prompt has no tokens");
            assertThatThrownBy(() -> decoder.decode(List.of(Request.of(new int[] {VOCAB}, 1, sampling, 4))))
                    .hasMessageContaining("the prompt has token 4, the vocabulary is 4");
            int[] longest = new int[513];
            Arrays.fill(longest, 1);
            assertThatThrownBy(() -> decoder.decode(List.of(Request.of(longest, 1, sampling, 4))))
                    .hasMessageContaining("the model's context is 512");
            assertThat(decoder.decode(List.of(Request.of(PROMPT, 1, sampling, 4)))
                            .get(0)
                            .tokens())
                    .hasSize(4);
        }
    }
}
