package org.coolsd.models.llamagen;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.coolsd.libtorch.KvCache;
import org.coolsd.libtorch.LeadingRows;
import org.coolsd.libtorch.Rows;

/**
 * Passes of the target, one after the other: {@link #begin}, {@link #add} for each sequence, {@link #run}. Features and
 * logits stay until the next pass. One thread at a time; run inside a {@link PassScope}.
 */
public final class TargetPass implements AutoCloseable {
    private final TargetForward target;
    private final Rows rows;
    private final LeadingRows features;
    private Tensor logits;

    TargetPass(TargetForward target, Rows rows) {
        this.target = target;
        this.rows = rows;
        this.features = new LeadingRows(target.placement()
                .zeros(ScalarType.Float, rows.capacity(), target.config().dim()));
    }

    /** Begins a pass with no rows. */
    public void begin() {
        rows.begin();
    }

    /**
     * Extends a sequence by {@code n} positions behind its cache's length.
     *
     * @param label read at position 0
     * @param tokens image tokens; position i > 0 reads token i - 1
     * @return the sequence's first row; conditional positions first, then with guidance as many unconditional ones
     */
    public int add(KvCache cache, int label, boolean conditional, int[] tokens, int n) {
        int from = cache.length();
        int first = rows.add(cache, n);
        int nullClass = target.config().nullClass();
        for (int half = 0; half < cache.halves(); half++) {
            int condition = half == 0 && conditional ? label : nullClass;
            for (int i = 0; i < n; i++) {
                int position = from + i;
                rows.id(first + half * n + i, position == 0 ? condition : nullClass + 1L + tokens[position - 1]);
            }
        }
        return first;
    }

    /** Computes the pass; caches hold its positions afterwards. */
    public void run() {
        Rows.View v = rows.ready();
        torch.index_select_out(v.stream(), target.embedding(), 0, v.ids());
        target.stack().forward(rows, v);
        target.stack().normalise(v);
        Tensor computed = features.first(rows.count());
        torch.mul_out(computed, v.normed(), target.norm());
        if (logits != null) {
            logits.releaseReference();
        }
        logits = target.logits(computed).retainReference();
        rows.done();
    }

    /** Features f32 of the last pass, its rows from the first on; memory that the next pass overwrites. */
    public Tensor features() {
        return features.whole();
    }

    /** Logits f32 [rows, vocab] of the last pass, valid until the next one. */
    public Tensor logits() {
        return logits;
    }

    @Override
    public void close() {
        rows.close();
        features.close();
        if (logits != null) {
            logits.close();
        }
    }
}
