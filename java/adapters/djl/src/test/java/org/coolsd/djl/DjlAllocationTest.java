package org.coolsd.djl;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDList;
import ai.djl.repository.zoo.ZooModel;
import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.coolsd.Sampling;
import org.coolsd.decode.Decoder;
import org.coolsd.decode.DecoderOptions;
import org.coolsd.decode.Drafter;
import org.coolsd.decode.Request;
import org.coolsd.decode.TargetModel;
import org.coolsd.decode.TargetSession;
import org.coolsd.onnxmodels.LlamaGenOnnx;
import org.coolsd.onnxmodels.LlamaGenShape;
import org.coolsd.onnxmodels.ModelWeights;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What a step allocates beside DJL, which is measured where it is called: arrays over buffers, the pass and its copy of the
 * logits. The first step of a sequence is apart: it makes the sequence.
 */
class DjlAllocationTest {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final LlamaGenShape TINY = new LlamaGenShape(8, 2, 2, 16, 3, 2, 3);
    private static final int WARM_UP = 1500;
    private static final int SEQUENCES = 200;
    /** With the class all positions that the tiny model has. */
    private static final int LENGTH = 9;

    private long byEngine;

    private static long allocated() {
        return THREADS.getThreadAllocatedBytes(Thread.currentThread().getId());
    }

    private final class Measured extends DjlPasses {
        Measured(DjlTarget<?> target, boolean drafter, ZooModel<NDList, NDList> model, int rows) {
            super(model, drafter ? Models.drafter(TINY) : target.shape(), target.names(), drafter, true, rows);
        }

        @Override
        FloatBuffer run() {
            long before = allocated();
            FloatBuffer logits = super.run();
            byEngine += allocated() - before;
            return logits;
        }

        @Override
        void makeAnew(int longest) {
            long before = allocated();
            super.makeAnew(longest);
            byEngine += allocated() - before;
        }
    }

    /** 99 of 100 steps are asked for: the compiler of the JVM may be late with a rare path. */
    @ParameterizedTest
    @ValueSource(strings = {"none", "jacobi", "coupled", "eagle"})
    void aStepAllocatesNothing(String name) throws Exception {
        try (ZooModel<NDList, NDList> tiny =
                        Models.load(LlamaGenOnnx.target(TINY, ModelWeights.randomTarget(TINY, 1)));
                ZooModel<NDList, NDList> eagle = Models.load(LlamaGenOnnx.drafter(
                        TINY, ModelWeights.randomDrafter(TINY, 2), ModelWeights.randomTarget(TINY, 1)))) {
            DjlTarget<Integer> djl = DjlTarget.<Integer>of(
                            tiny, Models.shape(TINY), label -> new int[] {TINY.classId(label)})
                    .guided(label -> new int[] {TINY.classId(TINY.classes())})
                    .copying();
            Drafter<Integer> drafter =
                    switch (name) {
                        case "none" -> Drafter.none();
                        case "jacobi" -> Drafter.jacobi();
                        case "coupled" -> Drafter.coupled();
                        default -> (target, verifier, slots) -> new DjlEagleSession<>(
                                new Measured(djl, true, eagle, 2 * slots),
                                (DjlTargetSession<Integer>) target,
                                slots,
                                verifier.spec().drafts().length());
                    };
            TargetModel<Integer> model = new TargetModel<>() {
                @Override
                public int vocab() {
                    return djl.vocab();
                }

                @Override
                public TargetSession<Integer> open(int slots, int longestRun) {
                    return new DjlTargetSession<>(djl, new Measured(djl, false, tiny, 2 * slots), slots, longestRun);
                }
            };
            int[] ours = new int[SEQUENCES * LENGTH];
            int steps = 0;
            try (Decoder<Integer> decoder = new Decoder<>(model, drafter, DecoderOptions.of(3))) {
                for (int seed = 0; seed < WARM_UP + SEQUENCES; seed++) {
                    decoder.submit(Request.of(0, seed, Sampling.of().guidance(1.5f), LENGTH));
                    boolean more = decoder.step();
                    while (more) {
                        long before = allocated();
                        long engineBefore = byEngine;
                        more = decoder.step();
                        long all = allocated() - before;
                        // The last step of a sequence makes its result.
                        if (seed >= WARM_UP && more) {
                            ours[steps++] = (int) (all - (byEngine - engineBefore));
                        }
                    }
                }
            }
            int[] sorted = IntStream.of(Arrays.copyOf(ours, steps)).sorted().toArray();
            assertThat(byEngine).isPositive();
            assertThat(sorted[steps * 99 / 100]).isZero();
        }
    }
}
