package org.coolsd.passes;

import java.util.Arrays;
import org.coolsd.Logits;
import org.jspecify.annotations.Nullable;

/**
 * Views of a pass's logits, each made once: a view is made again only for cells beyond a limit, which a prompt has, and after
 * {@link #clear}. Steps thus allocate nothing.
 */
public final class LogitsViews {
    /** Cells of a row, and rows of logits in a view, whose views are kept. */
    private static final int KEPT = 64;

    private final View[][] views;
    private final Part part;

    /** Makes the view of {@code count} rows of logits from a cell on. */
    public interface Part {
        Logits of(int cell, int count);
    }

    private record View(int unconditional, Logits logits) {}

    /**
     * @param rows of the batch
     * @param part what makes a view without guidance
     */
    public LogitsViews(int rows, Part part) {
        views = new View[Math.multiplyExact(rows, KEPT)][];
        this.part = part;
    }

    /** What {@link RowPasses#logits} returns. */
    public Logits get(int cell, int unconditional, int count) {
        if (cell >= views.length || count >= KEPT) {
            return make(cell, unconditional, count);
        }
        if (views[cell] == null) {
            views[cell] = new View[KEPT];
        }
        @Nullable View view = views[cell][count];
        if (view == null || view.unconditional != unconditional) {
            view = new View(unconditional, make(cell, unconditional, count));
            views[cell][count] = view;
        }
        return view.logits;
    }

    private Logits make(int cell, int unconditional, int count) {
        Logits conditional = part.of(cell, count);
        return unconditional < 0 ? conditional : conditional.guidedBy(part.of(unconditional, count));
    }

    /** Forgets all views: the logits are elsewhere from now on. */
    public void clear() {
        for (View[] ofCell : views) {
            if (ofCell != null) {
                Arrays.fill(ofCell, null);
            }
        }
    }
}
