package org.coolsd.passes;

import java.util.Arrays;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.IntFunction;
import org.coolsd.Guard;
import org.coolsd.Logits;
import org.coolsd.decode.Runs;
import org.coolsd.decode.TargetSession;
import org.coolsd.decode.Window;
import org.jspecify.annotations.Nullable;

/**
 * A target's session over {@link RowPasses}: one pass takes all sequences, and with guidance both branches of each.
 *
 * @param <C> what a sequence is made from
 */
public final class RowTargetSession<C> implements TargetSession<C> {
    private final RowPasses passes;
    private final Function<? super C, int[]> prompt;
    private final @Nullable Function<? super C, int[]> unconditional;
    private final IntFunction<Window> allowed;
    private final int branches;
    private final Row[] rows;
    /** Of each slot: rows of logits, 0 from a commit to the next score. */
    private final int[] scored;

    private final Guard guard;

    /** Input ids that are known and have not been through the model. */
    private static final class Row {
        int[] ids = new int[8];
        int count;
        /** The row's first scored logits in the last pass, and the hidden state that they were made from. */
        int cell;

        void add(int id) {
            if (count == ids.length) {
                ids = Arrays.copyOf(ids, 2 * count);
            }
            ids[count++] = id;
        }
    }

    /**
     * @param open makes the passes for a number of rows; they are closed with the session
     * @param prompt the input ids that a sequence begins with, at least one; generated tokens are input ids themselves
     * @param unconditional those of guidance's second branch, which may be more or fewer; null without guidance
     * @param allowed what may stand at a position, counted from the first generated token
     */
    public RowTargetSession(
            IntFunction<? extends RowPasses> open,
            int slots,
            Function<? super C, int[]> prompt,
            @Nullable Function<? super C, int[]> unconditional,
            IntFunction<Window> allowed) {
        this.prompt = prompt;
        this.unconditional = unconditional;
        this.allowed = allowed;
        branches = unconditional == null ? 1 : 2;
        rows = new Row[Math.multiplyExact(slots, branches)];
        Arrays.setAll(rows, row -> new Row());
        scored = new int[slots];
        RowPasses opened = open.apply(rows.length);
        passes = opened;
        guard = new Guard(this, "the target's session", opened::close);
    }

    @Override
    public int begin(int slot, C condition) {
        int prefix = begin(slot * branches, prompt, condition);
        if (unconditional != null) {
            begin(slot * branches + 1, unconditional, condition);
        }
        scored[slot] = 0;
        return prefix;
    }

    private int begin(int row, Function<? super C, int[]> ofBranch, C condition) {
        int[] ids = Objects.requireNonNull(ofBranch.apply(condition), "prompt");
        if (ids.length == 0) {
            throw new IllegalArgumentException("the prompt of " + condition + " is empty, it needs an input id");
        }
        passes.rollBack(row, 0);
        rows[row].count = 0;
        for (int id : ids) {
            rows[row].add(id);
        }
        return ids.length;
    }

    @Override
    public void score(Runs runs) {
        guard.enter();
        try {
            int batch = 0;
            int longest = 0;
            for (int k = 0; k < runs.count(); k++) {
                int first = runs.slot(k) * branches;
                for (int row = first; row < first + branches; row++) {
                    longest = Math.max(longest, rows[row].count + runs.length(k));
                }
                batch = Math.max(batch, first + branches);
            }
            passes.begin(longest);
            for (int k = 0; k < runs.count(); k++) {
                int first = runs.slot(k) * branches;
                for (int row = first; row < first + branches; row++) {
                    fill(row, runs, k);
                }
                scored[runs.slot(k)] = runs.length(k) + 1;
            }
            passes.run(batch);
        } finally {
            guard.exit();
        }
    }

    private void fill(int row, Runs runs, int k) {
        Row known = rows[row];
        for (int i = 0; i < known.count; i++) {
            passes.id(row, i, known.ids[i]);
        }
        for (int i = 0; i < runs.length(k); i++) {
            passes.id(row, known.count + i, runs.token(k, i));
        }
        known.cell = row * passes.sequence() + known.count - 1;
    }

    @Override
    public Logits logits(int slot) {
        guard.require();
        int first = slot * branches;
        return passes.logits(rows[first].cell, branches == 1 ? -1 : rows[first + 1].cell, scored[slot]);
    }

    @Override
    public void commit(int slot, int[] tokens, int count, int kept) {
        guard.require();
        // One token is always left to be passed: the first row of the next logits is what follows it.
        int valid = Math.min(kept, count - 1);
        for (int row = slot * branches; row < (slot + 1) * branches; row++) {
            if (scored[slot] > 0) {
                passes.keep(row, rows[row].count + valid);
                rows[row].count = 0;
            }
            for (int i = scored[slot] > 0 ? valid : 0; i < count; i++) {
                rows[row].add(tokens[i]);
            }
        }
        scored[slot] = 0;
    }

    @Override
    public Window allowed(int slot, int position) {
        return allowed.apply(position);
    }

    @Override
    public void end(int slot) {
        for (int row = slot * branches; row < (slot + 1) * branches; row++) {
            passes.forget(row, scored[slot] > 0);
        }
        scored[slot] = 0;
    }

    /** The passes, whose hidden states an EAGLE drafter reads. */
    public RowPasses passes() {
        return passes;
    }

    /** Rows of a sequence: 2 with guidance. */
    public int branches() {
        return branches;
    }

    /** The cell of the hidden state that the first token behind a row's committed ones was drawn from. */
    int cell(int row) {
        return rows[row].cell;
    }

    @Override
    public void close() {
        guard.close();
    }
}
