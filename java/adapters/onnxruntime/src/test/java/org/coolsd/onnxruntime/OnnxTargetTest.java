package org.coolsd.onnxruntime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;
import org.coolsd.Sampling;
import org.coolsd.decode.Decoder;
import org.coolsd.decode.DecoderOptions;
import org.coolsd.decode.Drafter;
import org.coolsd.decode.Request;
import org.coolsd.decode.Result;
import org.coolsd.decode.TargetModel;
import org.coolsd.decode.Window;
import org.coolsd.onnxmodels.LawCheck;
import org.coolsd.passes.DecoderNames;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class OnnxTargetTest {
    private static TinyEngine engine;

    @BeforeAll
    static void open() throws Exception {
        engine = TinyEngine.open();
    }

    @AfterAll
    static void close() throws Exception {
        engine.close();
    }

    private static List<Result> decode(TargetModel<Integer> model, Drafter<Integer> drafter, int slots) {
        List<Request<Integer>> requests = new ArrayList<>();
        for (int i = 0; i < 24; i++) {
            // Lengths differ, so that sequences leave and enter while others run.
            requests.add(Request.of(0, i, Sampling.of().guidance(1.5f), 3 + i % 6));
        }
        try (Decoder<Integer> decoder =
                new Decoder<>(model, drafter, DecoderOptions.of(3).slots(slots))) {
            return decoder.decode(requests);
        }
    }

    @Test
    void tokensDoNotDependOnTheBatch() {
        for (Drafter<Integer> drafter : List.of(Drafter.<Integer>jacobi(), engine.eagle())) {
            List<Result> alone = decode(engine.model(), drafter, 1);
            for (int slots : new int[] {2, 5}) {
                assertThat(decode(engine.model(), drafter, slots))
                        .extracting(Result::tokens)
                        .containsExactlyElementsOf(
                                alone.stream().map(Result::tokens).toList());
            }
        }
    }

    @Test
    void whatIsNotAllowedDoesNotOccur() {
        OnnxTarget<Integer> model =
                engine.model().allowed(position -> position == 2 ? Window.forced(1) : new Window(0, 2));
        for (Drafter<Integer> drafter : List.of(Drafter.<Integer>jacobi(), engine.eagle())) {
            for (Result result : decode(model, drafter, 3)) {
                assertThat(result.forced()).isEqualTo(1);
                assertThat(result.tokens()[2]).isEqualTo(1);
                assertThat(result.tokens()).doesNotContain(2);
            }
        }
    }

    @Test
    void aPromptThatIsRefusedEndsItsRequestOnly() {
        OnnxTarget<Integer> model =
                OnnxTarget.of(engine.environment, engine.target, label -> label == 0 ? new int[0] : LawCheck.prompt());
        try (Decoder<Integer> decoder =
                new Decoder<>(model, Drafter.none(), DecoderOptions.of(0).slots(2))) {
            var refused = decoder.submit(Request.of(0, 1, Sampling.of(), 3));
            var good = decoder.submit(Request.of(1, 1, Sampling.of(), 3));
            while (decoder.step()) {}
            assertThatThrownBy(() -> refused.result().join())
                    .isInstanceOf(CompletionException.class)
                    .hasMessageContaining("the prompt of 0 is empty");
            assertThat(good.result().join().tokens()).hasSize(3);
        }
    }

    @Test
    void anIdThatTheModelRefusesSaysSo() {
        OnnxTarget<Integer> model = OnnxTarget.of(engine.environment, engine.target, label -> new int[] {1_000_000});
        try (Decoder<Integer> decoder = new Decoder<>(model, Drafter.none(), DecoderOptions.of(0))) {
            List<Request<Integer>> requests = List.of(Request.of(0, 1, Sampling.of(), 3));
            assertThatThrownBy(() -> decoder.decode(requests))
                    .hasMessageContaining("ONNX Runtime: ")
                    .hasMessageContaining("1000000");
        }
    }

    @Test
    void modelsThatAreNoTargetOrNoDrafterAreRefusedInALine() {
        DecoderOptions options = DecoderOptions.of(3);
        DecoderNames o = DecoderNames.optimum();
        DecoderNames other = new DecoderNames(
                "ids",
                o.attentionMask(),
                o.positionIds(),
                o.pastKey(),
                o.pastValue(),
                o.logits(),
                o.presentKey(),
                o.presentValue(),
                o.hiddenStates(),
                o.predictedStates());
        assertThatThrownBy(() -> new Decoder<>(engine.model().names(other), Drafter.none(), options))
                .hasMessageStartingWith("the model has no input ids, it has [");
        OnnxTarget<Integer> drafter = OnnxTarget.of(engine.environment, engine.drafter, label -> LawCheck.prompt());
        assertThatThrownBy(() -> new Decoder<>(drafter, Drafter.none(), options))
                .hasMessageContaining("it is a drafter, a target is needed");
        Drafter<Integer> target = OnnxEagle.of(engine.environment, engine.target);
        assertThatThrownBy(() -> new Decoder<>(engine.model(), target, options))
                .hasMessageContaining("needs hidden_states as an input and predicted_hidden_states as an output");
    }
}
