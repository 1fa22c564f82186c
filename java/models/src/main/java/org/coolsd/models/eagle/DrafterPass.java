package org.coolsd.models.eagle;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.coolsd.libtorch.Indices;
import org.coolsd.libtorch.KvCache;
import org.coolsd.libtorch.LeadingRows;
import org.coolsd.libtorch.Placement;
import org.coolsd.libtorch.Rows;
import org.coolsd.models.decoder.DecoderForward;
import org.coolsd.models.decoder.Prefix;

/**
 * Passes of the drafter, one after the other: {@link #begin}, {@link #add} for each sequence, {@link #run}. Only the last
 * position of every sequence gets logits. One thread at a time; run inside a {@link org.coolsd.libtorch.PassScope}, which
 * frees the logits.
 */
public final class DrafterPass implements AutoCloseable {
    private final DrafterForward drafter;
    private final DecoderForward target;
    private final Rows rows;
    private final Indices sources;
    private final Indices ends;
    private final LeadingRows inputs;
    private final LeadingRows predicted;
    private int halves;

    DrafterPass(DrafterForward drafter, DecoderForward target, Rows rows) {
        this.drafter = drafter;
        this.target = target;
        this.rows = rows;
        Placement placement = target.placement();
        int dim = drafter.dim();
        sources = new Indices(placement, rows.capacity());
        ends = new Indices(placement, rows.capacity());
        inputs = new LeadingRows(placement.zeros(ScalarType.Float, rows.capacity(), dim));
        predicted = new LeadingRows(placement.zeros(ScalarType.Float, rows.capacity(), dim));
    }

    /** Begins a pass with no rows. */
    public void begin() {
        rows.begin();
        halves = 0;
    }

    /**
     * Extends a sequence by {@code n} positions, whose tokens are {@code tokens[from..from + n - 1]}.
     *
     * @param turn rotary position of the cache's position 0; where a position's is below 0, it is 0
     * @param source row of the features given to {@link #run} that the first token was drawn from; the following rows are
     *     those of the following tokens
     * @param sourceStride rows from there to those of the unconditional half
     * @return the first of the sequence's rows of {@link #run}'s result: one for each half
     */
    public int add(KvCache cache, int turn, int[] tokens, int from, int n, int source, int sourceStride) {
        int first = place(cache, turn, n, source, sourceStride);
        for (int half = 0; half < cache.halves(); half++) {
            for (int i = 0; i < n; i++) {
                rows.id(first + half * n + i, drafter.input().row(tokens[from + i]));
            }
        }
        return halves - cache.halves();
    }

    /** As {@link #add}, of positions of what the cache's halves begin with: those behind the first and the cache's length. */
    void addPrefix(KvCache cache, int turn, Prefix[] prefixes, int n, int source, int sourceStride) {
        int position = 1 + cache.length();
        int first = place(cache, turn, n, source, sourceStride);
        for (int half = 0; half < cache.halves(); half++) {
            for (int i = 0; i < n; i++) {
                rows.id(first + half * n + i, drafter.input().prefixRow(prefixes[half], position + i));
            }
        }
    }

    private int place(KvCache cache, int turn, int n, int source, int sourceStride) {
        int first = rows.add(cache, n, turn);
        for (int half = 0; half < cache.halves(); half++) {
            for (int i = 0; i < n; i++) {
                sources.put(first + half * n + i, (long) source + (long) half * sourceStride + i);
            }
            ends.put(halves++, first + (half + 1L) * n - 1);
        }
        return first;
    }

    /**
     * Computes the pass; caches hold its positions afterwards.
     *
     * @param features f32 [any, dim]: the target's, or {@link #predicted} of the pass before
     * @return draft logits f32 [halves, vocab], a half of a sequence in each row; a new tensor
     */
    public Tensor run(Tensor features) {
        return target.logits(predict(features));
    }

    /** As {@link #run}, of which it returns no more than {@link #predicted}. */
    Tensor predict(Tensor features) {
        Rows.View v = extend(features);
        Tensor last = predicted.first(halves);
        torch.index_select_out(last, v.stream(), 0, ends.first(halves));
        return last;
    }

    /** As {@link #run}, without results. */
    Rows.View extend(Tensor features) {
        int count = rows.count();
        sources.send();
        ends.send();
        Rows.View v = rows.ready();
        Tensor read = inputs.first(count);
        torch.index_select_out(read, features, 0, sources.first(count));
        torch.index_select_out(v.stream(), drafter.embedded(), 0, v.ids());
        v.stream().add_(drafter.fromFeatures().apply(read));
        drafter.stack().forward(rows, v);
        rows.done();
        return v;
    }

    /** Rows of the largest pass. */
    int capacity() {
        return rows.capacity();
    }

    /** The features that {@link #run} predicted, a row for each of its logits; memory that the next pass overwrites. */
    public Tensor predicted() {
        return predicted.whole();
    }

    @Override
    public void close() {
        rows.close();
        sources.close();
        ends.close();
        inputs.close();
        predicted.close();
    }
}
