package org.coolsd.onnxruntime;

import static org.assertj.core.api.Assertions.assertThat;

import org.coolsd.Acceptance;
import org.coolsd.onnxmodels.KeepsRefused;
import org.coolsd.onnxmodels.LawCheck;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Lossless sequences against the engine's own logits: each of these fails by chance once in 10^9. */
class OnnxLawTest {
    private static TinyEngine engine;
    private static LawCheck law;

    @BeforeAll
    static void addUpTheLaw() throws Exception {
        engine = TinyEngine.open();
        law = new LawCheck(engine);
    }

    @AfterAll
    static void close() throws Exception {
        engine.close();
    }

    @ParameterizedTest
    @CsvSource({"none,token", "jacobi,token", "jacobi,block", "coupled,token", "eagle,token", "eagle,block"})
    void losslessTokensHaveTheEnginesLaw(String drafter, String rule) {
        LawCheck.Decoded decoded = law.decode(engine.model(), LawCheck.drafter(drafter, engine.eagle()), rule(rule));
        assertThat(decoded.excess()).isLessThan(1);
        assertThat(decoded.acceptedLength() > 1.05).isEqualTo(!drafter.equals("none"));
    }

    @ParameterizedTest
    @CsvSource({"jacobi,token", "jacobi,block"})
    void aRefusedTokenThatStaysInTheCacheIsSeen(String drafter, String rule) {
        LawCheck.Decoded decoded =
                law.decode(new KeepsRefused(engine.model()), LawCheck.drafter(drafter, engine.eagle()), rule(rule));
        assertThat(decoded.excess()).isGreaterThan(1);
    }

    private static Acceptance rule(String name) {
        return name.equals("block") ? Acceptance.block() : Acceptance.token();
    }
}
