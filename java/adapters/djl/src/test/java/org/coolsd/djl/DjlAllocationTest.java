package org.coolsd.djl;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDList;
import ai.djl.repository.zoo.ZooModel;
import org.coolsd.decode.Drafter;
import org.coolsd.decode.TargetModel;
import org.coolsd.decode.TargetSession;
import org.coolsd.onnxmodels.LawCheck;
import org.coolsd.onnxmodels.LlamaGenOnnx;
import org.coolsd.onnxmodels.LlamaGenShape;
import org.coolsd.onnxmodels.ModelWeights;
import org.coolsd.onnxmodels.StepAllocation;
import org.coolsd.passes.DecoderNames;
import org.coolsd.passes.RowEagleSession;
import org.coolsd.passes.RowTargetSession;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A step allocates nothing beside DJL: arrays over buffers, the pass and its copy of the logits. */
class DjlAllocationTest {
    private static final LlamaGenShape TINY = LawCheck.TINY;
    /** With the class all positions that the tiny model has. */
    private static final int LENGTH = 9;

    private final StepAllocation allocation = new StepAllocation();

    private final class Measured extends DjlPasses {
        Measured(ZooModel<NDList, NDList> model, DecoderShape shape, boolean drafter, int rows) {
            super(model, shape, DecoderNames.optimum(), drafter, true, rows);
        }

        @Override
        public void run(int batch) {
            allocation.enterEngine();
            super.run(batch);
            allocation.exitEngine();
        }

        @Override
        void makeAnew(int longest) {
            allocation.enterEngine();
            super.makeAnew(longest);
            allocation.exitEngine();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"none", "jacobi", "coupled", "eagle"})
    void aStepAllocatesNothing(String name) throws Exception {
        try (ZooModel<NDList, NDList> tiny =
                        Models.load(LlamaGenOnnx.target(TINY, ModelWeights.randomTarget(TINY, 1)));
                ZooModel<NDList, NDList> eagle = Models.load(LlamaGenOnnx.drafter(
                        TINY, ModelWeights.randomDrafter(TINY, 2), ModelWeights.randomTarget(TINY, 1)))) {
            Drafter<Integer> measured = (target, verifier, slots) -> new RowEagleSession<>(
                    rows -> new Measured(eagle, Models.drafter(TINY), true, rows),
                    (RowTargetSession<Integer>) target,
                    slots,
                    verifier.spec().drafts().length());
            TargetModel<Integer> model = new TargetModel<>() {
                @Override
                public int vocab() {
                    return TINY.vocab();
                }

                @Override
                public TargetSession<Integer> open(int slots, int longestRun) {
                    DjlTarget<Integer> djl = Example.guided(tiny, TINY);
                    return new RowTargetSession<>(
                            rows -> new Measured(tiny, Models.shape(TINY), false, rows),
                            slots,
                            djl.prompt(),
                            djl.unconditional(),
                            djl.allowed());
                }
            };
            assertThat(allocation.bytes(model, LawCheck.drafter(name, measured), LENGTH))
                    .isZero();
        }
    }
}
