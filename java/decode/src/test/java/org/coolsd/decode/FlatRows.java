package org.coolsd.decode;

import org.coolsd.Logits;
import org.coolsd.LogitsBuffer;
import org.coolsd.Sampling;
import org.coolsd.Verifier;

/**
 * A planted defect: a drafter that takes token 0 instead of drawing one, and says that its tokens were drawn from the flat law.
 * Tokens that the step draws itself are beyond such a defect: their normalisers would not belong to the rows.
 */
record FlatRows<C>(Drafter<C> drafter) implements Drafter<C> {
    @Override
    public DraftSession<C> open(TargetSession<C> target, Verifier verifier, int slots) {
        DraftSession<C> session = drafter.open(target, verifier, slots);
        LogitsBuffer flat = LogitsBuffer.of(
                Logits.Type.F32,
                verifier.spec().drafts().length(),
                verifier.spec().vocab());
        return new DraftSession<>() {
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
                session.propose(slots, count);
            }

            @Override
            public Logits row(int slot) {
                return session.row(slot);
            }

            @Override
            public int token(int slot) {
                return Math.max(0, session.token(slot));
            }

            @Override
            public void drawn(int slot, int token) {
                session.drawn(slot, token);
            }

            @Override
            public Logits rows(int slot) {
                return flat.logits(session.rows(slot).rows());
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
            public void close() {
                session.close();
                flat.close();
            }
        };
    }
}
