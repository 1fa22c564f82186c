package org.coolsd.bench;

import org.coolsd.Logits;
import org.coolsd.Sampling;
import org.coolsd.Verifier;
import org.coolsd.decode.DraftSession;
import org.coolsd.decode.Drafter;
import org.coolsd.decode.Request;
import org.coolsd.decode.Runs;
import org.coolsd.decode.TargetModel;
import org.coolsd.decode.TargetSession;
import org.coolsd.decode.Window;

/**
 * What a decoder's time goes into: its model and its drafter are wrapped, and the time between two of their calls belongs to
 * what the loop does there. The loop itself knows nothing of it.
 */
final class PhaseClock {
    private long drafting;
    private long scoring;
    private long verifying;
    private long last;
    /** Whether what runs since {@link #last} is sampling drafts or verifying them. */
    private boolean verifies;

    /** Nanoseconds in the drafter's passes. */
    long drafting() {
        return drafting;
    }

    /** Nanoseconds in the target's passes. */
    long scoring() {
        return scoring;
    }

    /** Nanoseconds in sampling drafts and verifying them. */
    long verifying() {
        return verifying;
    }

    /** What ran until now is over; returns how long it was. */
    private long lap() {
        long now = System.nanoTime();
        long took = now - last;
        last = now;
        return took;
    }

    private void passBegins() {
        long took = lap();
        verifying += verifies ? took : 0;
        verifies = false;
    }

    private void verified() {
        if (verifies) {
            passBegins();
        }
    }

    /** The model, with its passes timed. */
    <C> TargetModel<C> target(TargetModel<C> model) {
        return new TargetModel<>() {
            @Override
            public int vocab() {
                return model.vocab();
            }

            @Override
            public TargetSession<C> open(int slots, int longestRun) {
                return new TimedTarget<>(model.open(slots, longestRun), PhaseClock.this);
            }
        };
    }

    /** The drafter, with its passes timed, for the model of {@link #target}. */
    <C> Drafter<C> drafter(Drafter<C> drafter) {
        return (target, verifier, slots) -> new TimedDrafts<>(open(drafter, target, verifier, slots), this);
    }

    private static <C> DraftSession<C> open(Drafter<C> drafter, TargetSession<C> target, Verifier verifier, int slots) {
        return drafter.open(target instanceof TimedTarget<C> timed ? timed.session : target, verifier, slots);
    }

    private record TimedTarget<C>(TargetSession<C> session, PhaseClock clock) implements TargetSession<C> {
        @Override
        public int begin(int slot, C condition) {
            return session.begin(slot, condition);
        }

        @Override
        public void score(Runs runs) {
            clock.passBegins();
            session.score(runs);
            clock.scoring += clock.lap();
            clock.verifies = true;
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
            clock.verified();
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

    private record TimedDrafts<C>(DraftSession<C> session, PhaseClock clock) implements DraftSession<C> {
        @Override
        public void begin(int slot, Request<C> request) {
            session.begin(slot, request);
        }

        @Override
        public void step(int slot, int position, Sampling sampling) {
            session.step(slot, position, sampling);
        }

        @Override
        public void propose(int[] slots, int count) {
            clock.passBegins();
            session.propose(slots, count);
            clock.drafting += clock.lap();
            clock.verifies = true;
        }

        @Override
        public Logits row(int slot) {
            return session.row(slot);
        }

        @Override
        public int token(int slot) {
            return session.token(slot);
        }

        @Override
        public void drawn(int slot, int token) {
            session.drawn(slot, token);
        }

        @Override
        public Logits rows(int slot) {
            return session.rows(slot);
        }

        @Override
        public void decided(int slot, int[] tokens, int count, int accepted) {
            clock.verified();
            session.decided(slot, tokens, count, accepted);
        }

        @Override
        public void forced(int slot, int position, int token) {
            session.forced(slot, position, token);
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
