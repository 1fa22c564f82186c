package org.coolsd.bench;

import java.util.function.LongSupplier;
import org.coolsd.Logits;
import org.coolsd.decode.Runs;
import org.coolsd.decode.TargetModel;
import org.coolsd.decode.TargetSession;
import org.coolsd.decode.Window;

/**
 * A target whose passes are timed.
 *
 * @param clock counts nanoseconds
 * @param passes hears of each pass
 */
record TimedTarget<C>(TargetModel<C> model, LongSupplier clock, Passes passes) implements TargetModel<C> {
    /** Hears of passes. */
    @FunctionalInterface
    interface Passes {
        /** A pass over {@code runs} took {@code nanos}. */
        void passed(Runs runs, long nanos);
    }

    @Override
    public int vocab() {
        return model.vocab();
    }

    @Override
    public Session<C> open(int slots, int longestRun) {
        return new Session<>(model.open(slots, longestRun), clock, passes);
    }

    /** @param session what is timed: a drafter may know its class */
    record Session<C>(TargetSession<C> session, LongSupplier clock, Passes passes) implements TargetSession<C> {
        @Override
        public int begin(int slot, C condition) {
            return session.begin(slot, condition);
        }

        @Override
        public void score(Runs runs) {
            long begin = clock.getAsLong();
            session.score(runs);
            passes.passed(runs, clock.getAsLong() - begin);
        }

        @Override
        public Logits logits(int slot) {
            return session.logits(slot);
        }

        @Override
        public long stream() {
            return session.stream();
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
