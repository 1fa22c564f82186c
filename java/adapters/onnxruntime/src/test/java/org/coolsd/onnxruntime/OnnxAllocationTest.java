package org.coolsd.onnxruntime;

import static org.assertj.core.api.Assertions.assertThat;

import org.coolsd.decode.DraftSession;
import org.coolsd.decode.Drafter;
import org.coolsd.decode.TargetModel;
import org.coolsd.decode.TargetSession;
import org.coolsd.onnxmodels.LawCheck;
import org.coolsd.onnxmodels.StepAllocation;
import org.coolsd.passes.RowEagleSession;
import org.coolsd.passes.RowPasses;
import org.coolsd.passes.RowTargetSession;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A step allocates nothing beside ONNX Runtime's own call: decoder, adapter, verification. */
class OnnxAllocationTest {
    /** With the prompt all positions that the tiny model has. */
    private static final int LENGTH = 8;

    private final StepAllocation allocation = new StepAllocation();

    private void measure(RowPasses passes) {
        OnnxPasses.Call[] engine = new OnnxPasses.Call[1];
        engine[0] = ((OnnxPasses) passes).replace((inputs, outputs) -> {
            allocation.enterEngine();
            engine[0].run(inputs, outputs);
            allocation.exitEngine();
        });
    }

    private TargetModel<Integer> measured(TargetModel<Integer> model) {
        return new TargetModel<>() {
            @Override
            public int vocab() {
                return model.vocab();
            }

            @Override
            public TargetSession<Integer> open(int slots, int longestRun) {
                TargetSession<Integer> session = model.open(slots, longestRun);
                measure(((RowTargetSession<Integer>) session).passes());
                return session;
            }
        };
    }

    private Drafter<Integer> measured(Drafter<Integer> drafter) {
        return (target, verifier, slots) -> {
            DraftSession<Integer> session = drafter.open(target, verifier, slots);
            if (session instanceof RowEagleSession<Integer> eagle) {
                measure(eagle.passes());
            }
            return session;
        };
    }

    @ParameterizedTest
    @ValueSource(strings = {"none", "jacobi", "coupled", "eagle"})
    void aStepAllocatesNothing(String name) throws Exception {
        try (TinyEngine tiny = TinyEngine.open()) {
            Drafter<Integer> drafter = LawCheck.drafter(name, tiny.eagle());
            assertThat(allocation.bytes(measured(tiny.model()), measured(drafter), LENGTH))
                    .isZero();
        }
    }
}
