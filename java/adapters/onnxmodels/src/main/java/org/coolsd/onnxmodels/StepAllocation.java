package org.coolsd.onnxmodels;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import org.coolsd.Sampling;
import org.coolsd.decode.Decoder;
import org.coolsd.decode.DecoderOptions;
import org.coolsd.decode.Drafter;
import org.coolsd.decode.Request;
import org.coolsd.decode.TargetModel;

/**
 * What a step of the loop allocates on the heap beside the engine's own calls, whose part is measured where they are made. The
 * first step of a sequence, which makes the sequence and views of a prompt's logits, and the last, which makes its result, are
 * left out.
 */
public final class StepAllocation {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final int WARM_UP = 1500;
    private static final int SEQUENCES = 200;

    private long byEngine;

    /** Begins a measurement, in which nothing of the engine has been seen. */
    public StepAllocation() {}

    /** A call of the engine begins, whose part is not counted. */
    public void enterEngine() {
        byEngine -= allocated();
    }

    /** It has ended. */
    public void exitEngine() {
        byEngine += allocated();
    }

    private static long allocated() {
        return THREADS.getThreadAllocatedBytes(Thread.currentThread().getId());
    }

    /**
     * Decodes guided sequences and measures their steps.
     *
     * @param length of a sequence
     * @return bytes that 99 of 100 steps do not exceed: the compiler of the JVM may be late with a rare path
     * @throws IllegalStateException if no call of the engine was seen
     */
    public int bytes(TargetModel<Integer> model, Drafter<Integer> drafter, int length) {
        int[] ours = new int[SEQUENCES * length];
        int steps = 0;
        try (Decoder<Integer> decoder = new Decoder<>(model, drafter, DecoderOptions.of(3))) {
            for (int seed = 0; seed < WARM_UP + SEQUENCES; seed++) {
                decoder.submit(Request.of(0, seed, Sampling.of().guidance(1.5f), length));
                boolean more = decoder.step();
                while (more) {
                    long before = allocated();
                    long engineBefore = byEngine;
                    more = decoder.step();
                    long all = allocated() - before;
                    if (seed >= WARM_UP && more) {
                        ours[steps++] = (int) (all - (byEngine - engineBefore));
                    }
                }
            }
        }
        if (byEngine == 0) {
            throw new IllegalStateException("no call of the engine was measured");
        }
        int[] sorted = Arrays.copyOf(ours, steps);
        Arrays.sort(sorted);
        return sorted[steps * 99 / 100];
    }
}
