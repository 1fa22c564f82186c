package org.coolsd.onnxruntime;

import java.util.Arrays;
import org.coolsd.Logits;
import org.jspecify.annotations.Nullable;

/** Views of logits, each made once: by the slot, the new positions of the pass and a number below a limit. */
final class RowViews {
    private final int branches;
    private final int limit;
    private final @Nullable Logits[] all;
    private int generation;

    RowViews(int slots, int branches, int limit) {
        this.branches = branches;
        this.limit = limit;
        all = new Logits[slots * limit * limit];
    }

    /**
     * The view of {@code count} rows from a cell on, with its unconditional half.
     *
     * @param key tells apart views of a slot in passes of the same number of new positions; negative if the view is not one
     *     that occurs again
     */
    Logits get(OnnxPasses passes, int slot, int key, int[] cells, int count) {
        if (generation != passes.generation()) {
            Arrays.fill(all, null);
            generation = passes.generation();
        }
        if (key < 0 || key >= limit || passes.sequence() >= limit) {
            return make(passes, slot, cells, count);
        }
        int at = (slot * limit + passes.sequence()) * limit + key;
        Logits view = all[at];
        if (view == null) {
            view = make(passes, slot, cells, count);
            all[at] = view;
        }
        return view;
    }

    private Logits make(OnnxPasses passes, int slot, int[] cells, int count) {
        Logits conditional = passes.logits(cells[slot * branches], count);
        return branches == 1 ? conditional : conditional.guidedBy(passes.logits(cells[slot * branches + 1], count));
    }
}
