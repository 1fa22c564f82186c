package org.coolsd.bench;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.coolsd.Logits;
import org.coolsd.decode.Runs;
import org.coolsd.decode.TargetModel;
import org.coolsd.decode.TargetSession;
import org.coolsd.decode.Window;

/**
 * A target whose passes over one sequence are timed, by the positions that they score: in time of the thread's processor,
 * which other load does not count in. The target is to compute in the caller's thread.
 */
record TimedTarget<C>(TargetModel<C> model, Map<Integer, List<Double>> millis) implements TargetModel<C> {
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

    TimedTarget(TargetModel<C> model) {
        this(model, new TreeMap<>());
    }

    @Override
    public int vocab() {
        return model.vocab();
    }

    @Override
    public TargetSession<C> open(int slots, int longestRun) {
        return new Session<>(model.open(slots, longestRun), millis);
    }

    private record Session<C>(TargetSession<C> session, Map<Integer, List<Double>> millis) implements TargetSession<C> {
        @Override
        public int begin(int slot, C condition) {
            return session.begin(slot, condition);
        }

        @Override
        public void score(Runs runs) {
            int positions = runs.length(0) + 1;
            long begin = THREADS.getCurrentThreadCpuTime();
            session.score(runs);
            millis.computeIfAbsent(positions, n -> new ArrayList<>())
                    .add((THREADS.getCurrentThreadCpuTime() - begin) / 1e6);
        }

        @Override
        public Logits logits(int slot) {
            return session.logits(slot);
        }

        @Override
        public void commit(int slot, int[] tokens, int count, int kept) {
            session.commit(slot, tokens, count, kept);
        }

        @Override
        public Window allowed(int slot, int position) {
            return session.allowed(slot, position);
        }

        @Override
        public void end(int slot) {
            session.end(slot);
        }

        @Override
        public void close() {
            session.close();
        }
    }
}
