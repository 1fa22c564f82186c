package org.coolsd.onnxruntime;

import java.util.Arrays;
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
final class OnnxEagleSession<C> implements DraftSession<C> {
    private final OnnxTargetSession<C> target;
    private final OnnxPasses passes;
    private final int branches;
    private final int most;
    private final TokenReader[] slots;
    /** The draft's rows of each slot. */
    private final LogitsBuffer rows;
    /** Of each row, the cell of its last new position in the last pass. */
    private final int[] cells;

    private final RowViews views;

    OnnxEagleSession(OnnxEagle<C> drafter, OnnxTargetSession<C> target, int slotCount, int most) {
        this.target = target;
        this.most = Math.max(1, most);
        branches = target.branches();
        OnnxLayout own = OnnxLayout.of(drafter.session(), drafter.names());
        OnnxLayout read = target.passes().layout();
        if (!own.readsHidden() || own.width() == 0) {
            throw new IllegalArgumentException(
                    "the drafter needs " + drafter.names().hiddenStates() + " as an input and "
                            + drafter.names().predictedStates() + " as an output, as EAGLE has them");
        }
        if (own.width() != read.width() || own.hidden() != read.hidden() || own.vocab() != read.vocab()) {
            throw new IllegalArgumentException("the drafter reads hidden states of width " + own.width() + " and has "
                    + own.vocab() + " tokens, the target has " + read.width() + " and " + read.vocab()
                    + ": they must be the same");
        }
        int count = slotCount * branches;
        slots = new TokenReader[slotCount];
        Arrays.setAll(slots, slot -> new TokenReader(most));
        cells = new int[count];
        views = new RowViews(slotCount, branches, this.most + 2);
        passes = new OnnxPasses(drafter.environment(), drafter.session(), drafter.names(), own, count);
        rows = branches == 2
                ? LogitsBuffer.guided(own.logits(), slotCount * this.most, own.vocab())
                : LogitsBuffer.of(own.logits(), slotCount * this.most, own.vocab());
    }

    @Override
    public void begin(int slot, Request<C> request) {
        for (int row = slot * branches; row < (slot + 1) * branches; row++) {
            passes.cache().rollBack(row, 0);
        }
        slots[slot].begin(0);
    }

    @Override
    public void step(int slot, int position, Sampling sampling) {
        slots[slot].step();
    }

    @Override
    public void propose(int[] wanted, int count) {
        passes.guard().enter();
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
            passes.guard().exit();
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
                for (int row = slot * branches; row < (slot + 1) * branches; row++) {
                    passes.cache().take(row, s.reads());
                }
                rows.put(slot * most + s.drafted(), views.get(passes, slot, s.reads(), cells, 1));
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
                passes.cache().rollBack(row, slots[slot].read());
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
            passes.cache().wipe(row);
        }
    }

    OnnxPasses passes() {
        return passes;
    }

    @Override
    public void close() {
        passes.close();
        rows.close();
    }
}
