package org.coolsd.onnxruntime;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.coolsd.Acceptance;
import org.coolsd.Logits;
import org.coolsd.Sampling;
import org.coolsd.decode.Decoder;
import org.coolsd.decode.DecoderOptions;
import org.coolsd.decode.Drafter;
import org.coolsd.decode.Request;
import org.coolsd.decode.Result;
import org.coolsd.decode.Runs;
import org.coolsd.decode.TargetModel;
import org.coolsd.decode.TargetSession;
import org.coolsd.onnxmodels.SequenceLaw;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Lossless decoding has the law of ONNX Runtime's own logits: each of these fails by chance once in 10^9. */
class OnnxLawTest {
    private static final int LENGTH = 5;
    private static final int SEQUENCES = 6_000;
    private static final float GUIDANCE = 1.5f;

    private static TinyEngine engine;
    private static SequenceLaw law;

    @BeforeAll
    static void addUpTheLaw() throws Exception {
        engine = TinyEngine.open();
        law = new SequenceLaw(
                engine, TinyEngine.TINY.vocab(), LENGTH, TinyEngine.PROMPT, TinyEngine.NULL_PROMPT, GUIDANCE);
    }

    @AfterAll
    static void close() throws Exception {
        engine.close();
    }

    private record Decoded(double excess, double acceptedLength) {}

    private static Decoded decode(TargetModel<Integer> model, String drafter, String rule) {
        Drafter<Integer> drafts =
                switch (drafter) {
                    case "none" -> Drafter.none();
                    case "jacobi" -> Drafter.jacobi();
                    case "coupled" -> Drafter.coupled();
                    default -> engine.eagle();
                };
        List<Request<Integer>> requests = new ArrayList<>();
        for (int seed = 0; seed < SEQUENCES; seed++) {
            requests.add(Request.of(0, seed, Sampling.of().guidance(GUIDANCE), LENGTH));
        }
        DecoderOptions options = DecoderOptions.of(3)
                .slots(100)
                .acceptance(rule.equals("block") ? Acceptance.block() : Acceptance.token());
        long[] counts = new long[law.size()];
        double length = 0;
        try (Decoder<Integer> decoder = new Decoder<>(model, drafts, options)) {
            for (Result result : decoder.decode(requests)) {
                counts[law.code(result.tokens())]++;
                length += result.acceptedLength() / SEQUENCES;
            }
        }
        return new Decoded(law.excess(counts), length);
    }

    @ParameterizedTest
    @CsvSource({"none,token", "jacobi,token", "jacobi,block", "coupled,token", "eagle,token", "eagle,block"})
    void losslessTokensHaveTheEnginesLaw(String drafter, String rule) {
        Decoded decoded = decode(engine.model(), drafter, rule);
        assertThat(decoded.excess).isLessThan(1);
        assertThat(decoded.acceptedLength > 1.05).isEqualTo(!drafter.equals("none"));
    }

    @ParameterizedTest
    @CsvSource({"jacobi,token", "jacobi,block"})
    void aRefusedTokenThatStaysInTheCacheIsSeen(String drafter, String rule) {
        assertThat(decode(new KeepsRefused(engine.model()), drafter, rule).excess)
                .isGreaterThan(1);
    }

    /** A planted defect: the model goes on behind the token that was refused, in the place of the one that was drawn. */
    private record KeepsRefused(OnnxTarget<Integer> model) implements TargetModel<Integer> {
        @Override
        public int vocab() {
            return model.vocab();
        }

        @Override
        public TargetSession<Integer> open(int slots, int longestRun) {
            TargetSession<Integer> session = model.open(slots, longestRun);
            int[][] run = new int[slots][];
            return new TargetSession<>() {
                @Override
                public int begin(int slot, Integer condition) {
                    return session.begin(slot, condition);
                }

                @Override
                public void score(Runs runs) {
                    for (int k = 0; k < runs.count(); k++) {
                        run[runs.slot(k)] = new int[runs.length(k)];
                        for (int i = 0; i < runs.length(k); i++) {
                            run[runs.slot(k)][i] = runs.token(k, i);
                        }
                    }
                    session.score(runs);
                }

                @Override
                public Logits logits(int slot) {
                    return session.logits(slot);
                }

                @Override
                public void commit(int slot, int[] tokens, int count, int kept) {
                    int[] stale = tokens.clone();
                    if (kept < run[slot].length) {
                        stale[count - 1] = run[slot][kept];
                    }
                    session.commit(slot, stale, count, kept);
                }

                @Override
                public void close() {
                    session.close();
                }
            };
        }
    }
}
