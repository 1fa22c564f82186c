package org.coolsd.djl;

import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.Objects;
import java.util.function.Function;
import org.coolsd.Guard;
import org.coolsd.Logits;
import org.coolsd.LogitsBuffer;
import org.coolsd.decode.Runs;
import org.coolsd.decode.TargetSession;

/** The sequences in a decoder's slots: row {@code slot * branches + branch} of a pass is a branch of a sequence. */
final class DjlTargetSession<C> implements TargetSession<C> {
    private final DjlTarget<C> target;
    private final DjlPasses passes;
    private final int branches;
    private final int stride;
    private final Row[] rows;
    /** Of each slot: rows of logits, 0 from a commit to the next score. */
    private final int[] scored;
    /** Where logits go that the engine has copied to the heap. */
    private final LogitsBuffer copies;

    private final float[] row;
    private FloatBuffer logits = FloatBuffer.allocate(0);
    private final Guard guard;

    /** Input ids that are known and have not been through the model. */
    private static final class Row {
        int[] ids = new int[8];
        int count;
        /** The row's first scored logits in the last pass. */
        int cell;

        void add(int id) {
            if (count == ids.length) {
                ids = Arrays.copyOf(ids, 2 * count);
            }
            ids[count++] = id;
        }
    }

    /** What is closed once. */
    private record Memory(DjlPasses passes, LogitsBuffer copies) implements Runnable {
        @Override
        public void run() {
            passes.close();
            copies.close();
        }
    }

    DjlTargetSession(DjlTarget<C> target, DjlPasses passes, int slots, int longestRun) {
        this.target = target;
        this.passes = passes;
        branches = target.branches();
        stride = longestRun + 1;
        rows = new Row[slots * branches];
        Arrays.setAll(rows, i -> new Row());
        scored = new int[slots];
        int vocab = target.vocab();
        row = new float[vocab];
        copies = branches == 2
                ? LogitsBuffer.guided(Logits.Type.F32, slots * stride, vocab)
                : LogitsBuffer.of(Logits.Type.F32, slots * stride, vocab);
        guard = new Guard(this, "the DJL session", new Memory(passes, copies));
    }

    @Override
    public int begin(int slot, C condition) {
        int prefix = begin(slot * branches, target.prompt(), condition);
        if (target.unconditional() != null) {
            begin(slot * branches + 1, target.unconditional(), condition);
        }
        return prefix;
    }

    private int begin(int index, Function<? super C, int[]> prompt, C condition) {
        int[] ids = Objects.requireNonNull(prompt.apply(condition), "prompt");
        if (ids.length == 0) {
            throw new IllegalArgumentException("the prompt of " + condition + " is empty, it needs an input id");
        }
        rows[index].count = 0;
        for (int id : ids) {
            rows[index].add(id);
        }
        return ids.length;
    }

    @Override
    public void score(Runs runs) {
        guard.enter();
        try {
            int longest = 0;
            for (int k = 0; k < runs.count(); k++) {
                for (int branch = 0; branch < branches; branch++) {
                    longest = Math.max(longest, rows[runs.slot(k) * branches + branch].count + runs.length(k));
                }
            }
            passes.begin(longest);
            for (int k = 0; k < runs.count(); k++) {
                for (int branch = 0; branch < branches; branch++) {
                    fill(runs.slot(k) * branches + branch, runs, k);
                }
                scored[runs.slot(k)] = runs.length(k) + 1;
            }
            logits = passes.run();
            for (int k = 0; k < runs.count() && !logits.isDirect(); k++) {
                copy(runs.slot(k));
            }
        } finally {
            guard.exit();
        }
    }

    private void fill(int index, Runs runs, int k) {
        Row known = rows[index];
        for (int i = 0; i < known.count; i++) {
            passes.id(index, i, known.ids[i]);
        }
        for (int i = 0; i < runs.length(k); i++) {
            passes.id(index, known.count + i, runs.token(k, i));
        }
        known.cell = index * passes.sequence() + known.count - 1;
    }

    private void copy(int slot) {
        for (int i = 0; i < scored[slot]; i++) {
            logits.get((rows[slot * branches].cell + i) * row.length, row);
            copies.put(slot * stride + i, row);
            if (branches == 2) {
                logits.get((rows[slot * branches + 1].cell + i) * row.length, row);
                copies.putUnconditional(slot * stride + i, row, 0);
            }
        }
    }

    @Override
    public Logits logits(int slot) {
        guard.require();
        if (!logits.isDirect()) {
            return copies.logits(slot * stride, scored[slot]);
        }
        Logits conditional = view(slot * branches, scored[slot]);
        return branches == 1 ? conditional : conditional.guidedBy(view(slot * branches + 1, scored[slot]));
    }

    private Logits view(int index, int count) {
        FloatBuffer part = logits.slice(rows[index].cell * row.length, count * row.length);
        return Logits.of(part, count, row.length);
    }

    @Override
    public void commit(int slot, int[] tokens, int count, int kept) {
        guard.require();
        // One token is always left to be passed: the first row of the next logits is what follows it.
        int valid = Math.min(kept, count - 1);
        for (int index = slot * branches; index < (slot + 1) * branches; index++) {
            if (scored[slot] > 0) {
                passes.keep(index, rows[index].count + valid);
                rows[index].count = 0;
            }
            for (int i = scored[slot] > 0 ? valid : 0; i < count; i++) {
                rows[index].add(tokens[i]);
            }
        }
        scored[slot] = 0;
    }

    DjlTarget<C> target() {
        return target;
    }

    /** The last pass, whose hidden states an EAGLE drafter reads. */
    DjlPasses passes() {
        return passes;
    }

    /** The cell of the hidden state that the first token behind the committed ones was drawn from. */
    int cell(int index) {
        return rows[index].cell;
    }

    @Override
    public void end(int slot) {
        for (int index = slot * branches; index < (slot + 1) * branches; index++) {
            passes.forget(index, scored[slot] > 0);
        }
        scored[slot] = 0;
    }

    @Override
    public void close() {
        guard.close();
    }
}
