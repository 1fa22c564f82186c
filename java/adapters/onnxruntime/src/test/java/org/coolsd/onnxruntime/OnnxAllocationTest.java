package org.coolsd.onnxruntime;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.coolsd.Sampling;
import org.coolsd.decode.Decoder;
import org.coolsd.decode.DecoderOptions;
import org.coolsd.decode.DraftSession;
import org.coolsd.decode.Drafter;
import org.coolsd.decode.Request;
import org.coolsd.decode.TargetModel;
import org.coolsd.decode.TargetSession;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What a step allocates beside ONNX Runtime's own call, which is measured where it is made: decoder, adapter, verification.
 * The first step of a sequence is apart: it makes the sequence, and views of a prompt's logits.
 */
class OnnxAllocationTest {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final int WARM_UP = 1500;
    private static final int SEQUENCES = 200;
    /** With the prompt all positions that the tiny model has. */
    private static final int LENGTH = 8;

    private long byEngine;

    private static long allocated() {
        return THREADS.getThreadAllocatedBytes(Thread.currentThread().getId());
    }

    private void measure(OnnxPasses passes) {
        OnnxPasses.Call[] engine = new OnnxPasses.Call[1];
        engine[0] = passes.replace((inputs, outputs) -> {
            long before = allocated();
            engine[0].run(inputs, outputs);
            byEngine += allocated() - before;
        });
    }

    private record Measured(OnnxAllocationTest test, OnnxTarget<Integer> model) implements TargetModel<Integer> {
        @Override
        public int vocab() {
            return model.vocab();
        }

        @Override
        public TargetSession<Integer> open(int slots, int longestRun) {
            OnnxTargetSession<Integer> session = (OnnxTargetSession<Integer>) model.open(slots, longestRun);
            test.measure(session.passes());
            return session;
        }
    }

    private Drafter<Integer> measured(Drafter<Integer> drafter) {
        return (target, verifier, slots) -> {
            DraftSession<Integer> session = drafter.open(target, verifier, slots);
            if (session instanceof OnnxEagleSession<Integer> eagle) {
                measure(eagle.passes());
            }
            return session;
        };
    }

    /** 99 of 100 steps are asked for: the compiler of the JVM may be late with a rare path. */
    @ParameterizedTest
    @ValueSource(strings = {"none", "jacobi", "coupled", "eagle"})
    void aStepAllocatesNothing(String name) throws Exception {
        try (TinyEngine tiny = TinyEngine.open()) {
            Drafter<Integer> drafter =
                    switch (name) {
                        case "none" -> Drafter.none();
                        case "jacobi" -> Drafter.jacobi();
                        case "coupled" -> Drafter.coupled();
                        default -> tiny.eagle();
                    };
            int[] ours = new int[SEQUENCES * LENGTH];
            int steps = 0;
            try (Decoder<Integer> decoder =
                    new Decoder<>(new Measured(this, tiny.model()), measured(drafter), DecoderOptions.of(3))) {
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
