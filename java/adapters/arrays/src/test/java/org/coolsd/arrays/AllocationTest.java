package org.coolsd.arrays;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.List;
import org.coolsd.Sampling;
import org.coolsd.decode.Decoder;
import org.coolsd.decode.DecoderOptions;
import org.coolsd.decode.Drafter;
import org.coolsd.decode.Request;
import org.junit.jupiter.api.Test;

/** The bytes that a thread allocates from an engine's arrays to tokens, with an engine that allocates none itself. */
class AllocationTest {
    private static final int VOCAB = 64;
    private static final int CALLS = 20_000;
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private static final class Flat implements ArrayEngine<Integer, float[]> {
        @Override
        public int vocab() {
            return VOCAB;
        }

        @Override
        public float[] newState() {
            return new float[VOCAB];
        }

        @Override
        public float[] begin(float[] state, Integer condition) {
            return state;
        }

        @Override
        public float[] next(float[] state, int token, int position) {
            state[token] += 0.25f;
            return state;
        }
    }

    @Test
    void theSamplerAllocatesNothing() {
        float[] conditional = new float[VOCAB];
        float[] unconditional = new float[VOCAB];
        conditional[3] = 1;
        try (ArraySampler sampler = new ArraySampler(VOCAB, Sampling.of().guidance(2))) {
            sample(sampler, conditional, unconditional);
            long before = THREADS.getCurrentThreadAllocatedBytes();
            sample(sampler, conditional, unconditional);
            // Less than a byte a call: the counter itself and the compiler's changes of code are all there is.
            assertThat(THREADS.getCurrentThreadAllocatedBytes() - before).isLessThan(CALLS);
        }
    }

    private static void sample(ArraySampler sampler, float[] conditional, float[] unconditional) {
        for (int i = 0; i < CALLS; i++) {
            sampler.sample(conditional, unconditional, 7, i);
            sampler.sample(conditional, 7, i);
        }
    }

    /** A request ten times as long allocates its tokens, and nothing more a step. */
    @Test
    void stepsOfTheLoopAllocateNothing() {
        try (Decoder<Integer> decoder =
                new Decoder<>(ArrayModel.guided(new Flat(), 0), Drafter.none(), DecoderOptions.of(4))) {
            allocated(decoder, 10 * CALLS);
            long few = allocated(decoder, CALLS);
            long many = allocated(decoder, 10 * CALLS);
            double aStep = (double) (many - few) / (9 * CALLS);
            // Tokens of a result and of a slot grow in arrays that double: a few times four bytes a token.
            assertThat(aStep).isLessThan(24);
        }
    }

    private static long allocated(Decoder<Integer> decoder, int length) {
        Request<Integer> request = Request.of(1, 5, Sampling.of().guidance(2), length);
        long before = THREADS.getCurrentThreadAllocatedBytes();
        decoder.decode(List.of(request));
        return THREADS.getCurrentThreadAllocatedBytes() - before;
    }
}
