package org.coolsd.bench;

import org.coolsd.Logits;
import org.coolsd.Sampling;
import org.coolsd.Verifier;
import org.coolsd.decode.DraftSession;
import org.coolsd.decode.Drafter;
import org.coolsd.decode.Request;
import org.coolsd.decode.TargetModel;
import org.coolsd.decode.TargetSession;

/**
 * A target and a drafter whose passes are timed: a decoder made of {@link #model} and {@link #drafter} decodes as one made of
 * theirs. For one decoder.
 *
 * @param <C> what a sequence is made from
 */
final class Timed<C> {
    private final TargetModel<C> model;
    private final Drafter<C> drafter;
    private long targetNanos;
    private long draftNanos;

    Timed(TargetModel<C> model, Drafter<C> drafter) {
        this.model = model;
        this.drafter = drafter;
    }

    /** Nanoseconds in the target's passes so far. */
    long targetNanos() {
        return targetNanos;
    }

    /** Nanoseconds in the drafter's passes so far. */
    long draftNanos() {
        return draftNanos;
    }

    TargetModel<C> model() {
        return new TimedTarget<>(model, System::nanoTime, (runs, nanos) -> targetNanos += nanos);
    }

    Drafter<C> drafter() {
        // A drafter may know its target's class: it gets the session behind the timed one.
        return (target, verifier, slots) -> open(((TimedTarget.Session<C>) target).session(), verifier, slots);
    }

    private DraftSession<C> open(TargetSession<C> target, Verifier verifier, int slots) {
        return new Drafts(drafter.open(target, verifier, slots));
    }

    private final class Drafts implements DraftSession<C> {
        private final DraftSession<C> session;

        Drafts(DraftSession<C> session) {
            this.session = session;
        }

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
            long start = System.nanoTime();
            session.propose(slots, count);
            draftNanos += System.nanoTime() - start;
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
