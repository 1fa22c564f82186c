package org.coolsd.onnxruntime;

import java.util.Arrays;
import java.util.Objects;
import java.util.function.Function;
import org.coolsd.Logits;
import org.coolsd.decode.Runs;
import org.coolsd.decode.TargetSession;
import org.coolsd.decode.Window;

/**
 * The key-values of the sequences in a decoder's slots. Row {@code slot * branches + branch} of the batch is a branch of a
 * sequence; a pass takes the rows up to the last one that is scored.
 */
final class OnnxTargetSession<C> implements TargetSession<C> {
    private final OnnxTarget<C> model;
    private final OnnxPasses passes;
    private final int branches;
    private final Row[] rows;
    /** Of each row, the cell of its first scored logits in the last pass, which is also that of the hidden states. */
    private final int[] cells;
    /** Of each slot: rows of logits, 0 from a commit to the next score. */
    private final int[] scored;

    private final RowViews views;

    /** Input ids that are known and have not been through the model. */
    private static final class Row {
        int[] ids = new int[8];
        int count;

        void clear() {
            count = 0;
        }

        void add(int id) {
            if (count == ids.length) {
                ids = Arrays.copyOf(ids, 2 * count);
            }
            ids[count++] = id;
        }
    }

    OnnxTargetSession(OnnxTarget<C> model, int slots, int longestRun) {
        this.model = model;
        branches = model.unconditional() == null ? 1 : 2;
        int count = Math.multiplyExact(slots, branches);
        OnnxLayout layout = OnnxLayout.of(model.session(), model.names());
        if (layout.readsHidden()) {
            throw new IllegalArgumentException(
                    "the model reads " + model.names().hiddenStates() + ": it is a drafter, a target is needed");
        }
        passes = new OnnxPasses(model.environment(), model.session(), model.names(), layout, count);
        rows = new Row[count];
        Arrays.setAll(rows, row -> new Row());
        cells = new int[count];
        scored = new int[slots];
        views = new RowViews(slots, branches, longestRun + 2);
    }

    @Override
    public int begin(int slot, C condition) {
        int prefix = begin(slot * branches, model.prompt(), condition);
        if (model.unconditional() != null) {
            begin(slot * branches + 1, model.unconditional(), condition);
        }
        scored[slot] = 0;
        return prefix;
    }

    private int begin(int row, Function<? super C, int[]> prompt, C condition) {
        int[] ids = Objects.requireNonNull(prompt.apply(condition), "prompt");
        if (ids.length == 0) {
            throw new IllegalArgumentException("the prompt of " + condition + " is empty, it needs an input id");
        }
        passes.cache().rollBack(row, 0);
        rows[row].clear();
        for (int id : ids) {
            rows[row].add(id);
        }
        return ids.length;
    }

    @Override
    public void score(Runs runs) {
        passes.guard().enter();
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
            passes.guard().exit();
        }
    }

    private void fill(int row, Runs runs, int k) {
        int known = rows[row].count;
        for (int i = 0; i < known; i++) {
            passes.id(row, i, rows[row].ids[i]);
        }
        for (int i = 0; i < runs.length(k); i++) {
            passes.id(row, known + i, runs.token(k, i));
        }
        cells[row] = row * passes.sequence() + known - 1;
    }

    @Override
    public Logits logits(int slot) {
        passes.guard().require();
        boolean usual = true;
        for (int row = slot * branches; row < (slot + 1) * branches; row++) {
            usual &= rows[row].count == 1;
        }
        return views.get(passes, slot, usual ? scored[slot] : -1, cells, scored[slot]);
    }

    @Override
    public void commit(int slot, int[] tokens, int count, int kept) {
        passes.guard().require();
        // One token is always left to be passed: the first row of the next logits is what follows it.
        int valid = Math.min(kept, count - 1);
        for (int row = slot * branches; row < (slot + 1) * branches; row++) {
            if (scored[slot] > 0) {
                passes.cache().take(row, rows[row].count + valid);
                rows[row].clear();
            }
            for (int i = scored[slot] > 0 ? valid : 0; i < count; i++) {
                rows[row].add(tokens[i]);
            }
        }
        scored[slot] = 0;
    }

    @Override
    public Window allowed(int slot, int position) {
        return model.allowed().apply(position);
    }

    @Override
    public void end(int slot) {
        for (int row = slot * branches; row < (slot + 1) * branches; row++) {
            passes.cache().rollBack(row, 0);
        }
    }

    int branches() {
        return branches;
    }

    /** The last pass, whose hidden states an EAGLE drafter reads. */
    OnnxPasses passes() {
        return passes;
    }

    /** The cell of the hidden state that the first token behind the committed ones was drawn from. */
    int cell(int row) {
        return cells[row];
    }

    @Override
    public void close() {
        passes.close();
    }
}
