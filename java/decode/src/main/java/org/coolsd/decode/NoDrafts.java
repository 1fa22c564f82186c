package org.coolsd.decode;

import org.coolsd.Logits;
import org.coolsd.Sampling;
import org.jspecify.annotations.Nullable;

/** See {@link Drafter#none}. */
final class NoDrafts<C> implements DraftSession<C> {
    @Override
    public void begin(int slot, Request<C> request) {}

    @Override
    public void step(int slot, int position, Sampling sampling) {}

    @Override
    public void propose(int[] slots, int count) {}

    @Override
    public @Nullable Logits row(int slot) {
        return null;
    }

    @Override
    public void drawn(int slot, int token) {
        throw new IllegalStateException("there is no row that a token could be drawn from");
    }

    @Override
    public Logits rows(int slot) {
        throw new IllegalStateException("there are no drafts");
    }

    @Override
    public void decided(int slot, int[] tokens, int count, int accepted) {}

    @Override
    public void close() {}
}
