package org.coolsd.passes;

import java.util.Arrays;
import java.util.function.IntFunction;
import org.coolsd.Guard;
import org.coolsd.Logits;
import org.coolsd.LogitsBuffer;
import org.coolsd.Sampling;
import org.coolsd.decode.DraftSession;
import org.coolsd.decode.Request;
import org.coolsd.decode.TokenReader;
import org.jspecify.annotations.Nullable;

/**
 * EAGLE's session over {@link RowPasses}. The first pass of a step reads the tokens that the step before decided, with the
 * target's hidden states; the others read the token drafted last, with the hidden state predicted for it: {@link TokenReader}
 * says which.
 *
 * @param <C> what a sequence is made from
 */
public final class RowEagleSession<C> implements DraftSession<C> {
    private final RowTargetSession<C> target;
    private final RowPasses passes;
    private final int branches;
    private final int most;
    private final TokenReader[] slots;
    /** The draft's rows of each slot. */
    private final LogitsBuffer rows;
    /** Of each row, the cell of its last new position in the last pass. */
    private final int[] cells;

    private final Guard guard;

    /** What is closed once. */
    private record Memory(RowPasses passes, LogitsBuffer rows) implements Runnable {
        @Override
        public void run() {
            passes.close();
            rows.close();
        }
    }

    /**
     * @param open makes the drafter's passes for a number of rows; they are closed with the session
     * @param target whose hidden states are read, in passes of the same engine
     * @param slotCount of the decoder
     * @param most the longest draft
     */
    public RowEagleSession(IntFunction<? extends RowPasses> open, RowTargetSession<C> target, int slotCount, int most) {
        this.target = target;
        this.most = Math.max(1, most);
        branches = target.branches();
        slots = new TokenReader[slotCount];
        Arrays.setAll(slots, slot -> new TokenReader(most));
        cells = new int[slotCount * branches];
        passes = open.apply(cells.length);
        rows = branches == 2
                ? LogitsBuffer.guided(passes.type(), slotCount * this.most, passes.vocab())
                : LogitsBuffer.of(passes.type(), slotCount * this.most, passes.vocab());
        guard = new Guard(this, "the drafter's session", new Memory(passes, rows));
    }

    @Override
    public void begin(int slot, Request<C> request) {
        for (int row = slot * branches; row < (slot + 1) * branches; row++) {
            passes.rollBack(row, 0);
        }
        slots[slot].begin(0);
    }

    @Override
    public void step(int slot, int position, Sampling sampling) {
        slots[slot].step();
    }

    @Override
    public void propose(int[] wanted, int count) {
        guard.enter();
        try {
            int batch = 0;
            int longest = 0;
            for (int k = 0; k < count; k++) {
                TokenReader s = slots[wanted[k]];
                if (s.propose()) {
                    batch = Math.max(batch, (wanted[k] + 1) * branches);
                    longest = Math.max(longest, s.reads());
                }
            }
            if (batch > 0) {
                pass(wanted, count, batch, longest);
            }
        } finally {
            guard.exit();
        }
    }

    private void pass(int[] wanted, int count, int batch, int longest) {
        passes.begin(longest);
        for (int k = 0; k < count; k++) {
            TokenReader s = slots[wanted[k]];
            for (int row = wanted[k] * branches; s.proposed() && row < (wanted[k] + 1) * branches; row++) {
                fill(s, row);
            }
        }
        passes.run(batch);
        for (int k = 0; k < count; k++) {
            int slot = wanted[k];
            TokenReader s = slots[slot];
            if (s.proposed()) {
                int first = slot * branches;
                for (int row = first; row < first + branches; row++) {
                    passes.keep(row, s.reads());
                }
                rows.put(
                        slot * most + s.drafted(),
                        passes.logits(cells[first], branches == 1 ? -1 : cells[first + 1], 1));
            }
        }
    }

    private void fill(TokenReader s, int row) {
        for (int i = 0; i < s.reads(); i++) {
            passes.id(row, i, s.tokens()[i]);
            if (s.drafted() > 0) {
                passes.hidden(row, i, passes, cells[row]);
            } else {
                passes.hidden(row, i, target.passes(), target.cell(row) + i);
            }
        }
        cells[row] = row * passes.sequence() + s.reads() - 1;
    }

    @Override
    public @Nullable Logits row(int slot) {
        TokenReader s = slots[slot];
        return s.proposed() ? rows.logits(slot * most + s.drafted(), 1) : null;
    }

    @Override
    public void drawn(int slot, int token) {
        slots[slot].drawn(token);
    }

    @Override
    public Logits rows(int slot) {
        return rows.logits(slot * most, slots[slot].drafted());
    }

    @Override
    public void decided(int slot, int[] tokens, int count, int accepted) {
        if (slots[slot].decided(tokens, count)) {
            for (int row = slot * branches; row < (slot + 1) * branches; row++) {
                passes.rollBack(row, slots[slot].read());
            }
        }
    }

    @Override
    public void forced(int slot, int position, int token) {
        slots[slot].forced(token);
    }

    @Override
    public void end(int slot) {
        for (int row = slot * branches; row < (slot + 1) * branches; row++) {
            passes.forget(row, slots[slot].drafted() > 0);
        }
    }

    /** The drafter's passes. */
    public RowPasses passes() {
        return passes;
    }

    @Override
    public void close() {
        guard.close();
    }
}
