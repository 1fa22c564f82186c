package org.coolsd.djl;

import java.nio.FloatBuffer;
import java.util.Arrays;
import org.coolsd.Guard;
import org.coolsd.Logits;
import org.coolsd.LogitsBuffer;
import org.coolsd.Sampling;
import org.coolsd.decode.DraftSession;
import org.coolsd.decode.Request;
import org.coolsd.decode.TokenReader;
import org.jspecify.annotations.Nullable;

/**
 * EAGLE's key-values of the sequences in a decoder's slots. The first pass of a step reads the tokens that the step before
 * decided, with the target's hidden states; the others read the token drafted last, with the hidden state predicted for it:
 * {@link TokenReader} says which.
 */
final class DjlEagleSession<C> implements DraftSession<C> {
    private final DjlTargetSession<C> target;
    private final DjlPasses passes;
    private final int branches;
    private final int most;
    private final TokenReader[] slots;
    /** The draft's rows of each slot. */
    private final LogitsBuffer rows;
    /** Of each row, the cell of its last new position in the last pass. */
    private final int[] cells;

    private final float[] scratch;
    private final Guard guard;

    /** What is closed once. */
    private record Memory(DjlPasses passes, LogitsBuffer rows) implements Runnable {
        @Override
        public void run() {
            passes.close();
            rows.close();
        }
    }

    DjlEagleSession(DjlPasses passes, DjlTargetSession<C> target, int slotCount, int most) {
        this.passes = passes;
        this.target = target;
        this.most = Math.max(1, most);
        branches = target.target().branches();
        slots = new TokenReader[slotCount];
        Arrays.setAll(slots, slot -> new TokenReader(most));
        cells = new int[slotCount * branches];
        int vocab = passes.shape().vocab();
        scratch = new float[vocab];
        rows = branches == 2
                ? LogitsBuffer.guided(Logits.Type.F32, slotCount * this.most, vocab)
                : LogitsBuffer.of(Logits.Type.F32, slotCount * this.most, vocab);
        guard = new Guard(this, "the DJL drafter's session", new Memory(passes, rows));
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
            int longest = 0;
            for (int k = 0; k < count; k++) {
                TokenReader s = slots[wanted[k]];
                if (s.propose()) {
                    longest = Math.max(longest, s.reads());
                }
            }
            if (longest > 0) {
                pass(wanted, count, longest);
            }
        } finally {
            guard.exit();
        }
    }

    private void pass(int[] wanted, int count, int longest) {
        passes.begin(longest);
        for (int k = 0; k < count; k++) {
            TokenReader s = slots[wanted[k]];
            for (int row = wanted[k] * branches; s.proposed() && row < (wanted[k] + 1) * branches; row++) {
                fill(s, row);
            }
        }
        FloatBuffer logits = passes.run();
        for (int k = 0; k < count; k++) {
            int slot = wanted[k];
            TokenReader s = slots[slot];
            if (s.proposed()) {
                for (int row = slot * branches; row < (slot + 1) * branches; row++) {
                    passes.keep(row, s.reads());
                }
                copy(logits, slot, slot * most + s.drafted());
            }
        }
    }

    private void copy(FloatBuffer logits, int slot, int to) {
        logits.get(cells[slot * branches] * scratch.length, scratch);
        rows.put(to, scratch);
        if (branches == 2) {
            logits.get(cells[slot * branches + 1] * scratch.length, scratch);
            rows.putUnconditional(to, scratch, 0);
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

    @Override
    public void close() {
        guard.close();
    }
}
