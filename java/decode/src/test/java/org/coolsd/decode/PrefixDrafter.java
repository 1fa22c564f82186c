package org.coolsd.decode;

import java.util.ArrayList;
import java.util.List;
import org.coolsd.Logits;
import org.coolsd.LogitsBuffer;
import org.coolsd.Sampling;
import org.coolsd.Verifier;

/** A drafter with a model of its own, one token after the other, as EAGLE is: its rows depend on what it has drawn. */
final class PrefixDrafter implements Drafter<Integer> {
    private final PrefixTarget model;

    PrefixDrafter(PrefixTarget model) {
        this.model = model;
    }

    @Override
    public DraftSession<Integer> open(TargetSession<Integer> target, Verifier verifier, int slots) {
        int stride = verifier.spec().drafts().length();
        LogitsBuffer buffer = LogitsBuffer.of(Logits.Type.F32, slots * stride, model.vocab);
        List<List<Integer>> tokens = new ArrayList<>();
        int[] drafted = new int[slots];
        for (int slot = 0; slot < slots; slot++) {
            tokens.add(new ArrayList<>());
        }
        return new DraftSession<>() {
            @Override
            public void begin(int slot, Request<Integer> request) {}

            @Override
            public void step(int slot, int position, Sampling sampling) {
                tokens.set(slot, new ArrayList<>(((PrefixTarget.Session) target).committed(slot)));
                // Its condition is another one, so that its laws are its own.
                tokens.get(slot).set(0, tokens.get(slot).get(0) + 1000);
                drafted[slot] = 0;
            }

            @Override
            public void propose(int[] slots, int count) {
                for (int k = 0; k < count; k++) {
                    buffer.put(slots[k] * stride + drafted[slots[k]], model.row(tokens.get(slots[k])));
                }
            }

            @Override
            public Logits row(int slot) {
                return buffer.logits(slot * stride + drafted[slot], 1);
            }

            @Override
            public void drawn(int slot, int token) {
                tokens.get(slot).add(token);
                drafted[slot]++;
            }

            @Override
            public Logits rows(int slot) {
                return buffer.logits(slot * stride, drafted[slot]);
            }

            @Override
            public void decided(int slot, int[] yielded, int count, int accepted) {}

            @Override
            public void close() {
                buffer.close();
            }
        };
    }
}
