package org.coolsd.libtorch;

import org.bytedeco.pytorch.Tensor;

/** Views of the first rows of a tensor, each made when it is first asked for and kept. One thread at a time. */
public final class LeadingRows implements AutoCloseable {
    private final Tensor whole;
    private final Tensor[] views;

    /** @param whole closed with this */
    public LeadingRows(Tensor whole) {
        this.whole = whole.retainReference();
        this.views = new Tensor[(int) whole.size(0) + 1];
    }

    /** All rows. */
    public Tensor whole() {
        return whole;
    }

    /** Rows 0..n - 1. */
    public Tensor first(int n) {
        if (views[n] == null) {
            views[n] = whole.narrow(0, 0, n).retainReference();
        }
        return views[n];
    }

    @Override
    public void close() {
        for (Tensor view : views) {
            if (view != null) {
                view.close();
            }
        }
        whole.close();
    }
}
