package org.coolsd.jlama;

import static org.assertj.core.api.Assertions.assertThat;

import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.tensor.AbstractTensor;
import com.github.tjake.jlama.tensor.KvBufferCache;
import com.github.tjake.jlama.tensor.TensorShape;
import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import org.coolsd.Backend;
import org.coolsd.Purpose;
import org.coolsd.Sampling;
import org.coolsd.Schedule;
import org.coolsd.Verifier;
import org.coolsd.VerifierSpec;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is ours from the logits on, in Jlama's own memory, allocates nothing; what Jlama allocates in a pass is its own. */
class AllocationTest {
    private static final int CALLS = 20_000;

    @Test
    void fromJlamasLogitsToATokenNothingIsAllocated(@TempDir Path folder) throws Exception {
        try (AbstractModel model = new TinyLlama(4, 1, 1, 3).load(folder);
                Verifier verifier = Verifier.open(
                        Backend.cpu(), VerifierSpec.of(4, Schedule.lossless().draftLength(0), Sampling.of()))) {
            LogitsRows rows = new LogitsRows(model, 1, 2);
            KvBufferCache.KvBuffer cache = new KvBufferCache(model).getEphemeralKvBuffer();
            try (AbstractTensor<?, ?> output = model.batchForward(new int[] {0, 1}, 0, cache)) {
                assertThat(output.shape()).isEqualTo(TensorShape.of(2, TinyLlama.DIM));
                rows.fill(0, 0, output.slice(0));
                rows.fill(0, 1, output.slice(1));
            }
            cache.close();
            ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
            sample(verifier, rows);
            long before = threads.getCurrentThreadAllocatedBytes();
            int sum = sample(verifier, rows);
            long allocated = threads.getCurrentThreadAllocatedBytes() - before;
            assertThat(sum).isPositive();
            // Less than a byte a call: what the compiler's thread does not do is this thread's own.
            assertThat(allocated).isLessThan(CALLS);
        }
    }

    private static int sample(Verifier verifier, LogitsRows rows) {
        int sum = 0;
        for (int i = 0; i < CALLS; i++) {
            sum += verifier.sample(rows.view(0, i & 1, 1), Purpose.BONUS, 7, i);
        }
        return sum;
    }
}
