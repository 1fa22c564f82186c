package org.coolsd.libtorch;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * The rows of one pass, those of all its sequences one below the other, and memory for everything that a layer computes of
 * them. A sequence's rows are its conditional positions and then, with guidance, its unconditional ones.
 *
 * <p>Views are made once for each number of rows and kept. One thread at a time.
 */
public final class Rows implements AutoCloseable {
    /** Ragged batches make ever new combinations of first row and length; beyond this they are made anew. */
    private static final int MOST_SEGMENT_VIEWS = 2048;

    private final Placement placement;
    private final DecoderShape shape;
    private final Tensor stream;
    private final Tensor squares;
    private final Tensor scale;
    private final Tensor normed;
    private final Tensor qkv;
    private final Tensor attended;
    private final Tensor gateUp;
    private final Tensor hidden;
    private final Tensor angles;
    private final Tensor angleTable;
    private final Tensor mask;
    private final int longest;
    private final int rotaryCount;
    private final Indices ids;
    private final Indices turns;
    private final Indices cacheRows;
    private final View[] views;
    private final Map<Long, SegmentView> segmentViews = new HashMap<>();
    private final TensorOptional[][] masks;
    private final OwnedTensors owned = new OwnedTensors();
    private final List<Segment> segments = new ArrayList<>();
    private int count;

    /** A sequence's part of the pass. */
    record Segment(KvCache cache, int n, SegmentView view, TensorOptional mask) {}

    /** Views of the first rows. */
    public record View(
            Tensor stream,
            Tensor squares,
            Tensor scale,
            Tensor normed,
            Tensor qkv,
            Tensor heads,
            Tensor turning,
            Tensor angles,
            Tensor attended,
            Tensor gateUp,
            Tensor gate,
            Tensor up,
            Tensor hidden,
            Tensor ids,
            Tensor turns)
            implements AutoCloseable {
        @Override
        public void close() {
            for (Tensor view : new Tensor[] {
                stream, squares, scale, normed, qkv, heads, turning, angles, attended, gateUp, gate, up, hidden, ids,
                turns
            }) {
                view.close();
            }
        }
    }

    /** Views of the rows of one sequence: query and attended as [halves, heads, n, headDim], the others as rows. */
    record SegmentView(Tensor query, Tensor keyValue, Tensor attended, Tensor cacheRows) implements AutoCloseable {
        @Override
        public void close() {
            query.close();
            keyValue.close();
            attended.close();
            cacheRows.close();
        }
    }

    /**
     * @param capacity rows of the largest pass
     * @param longest positions of the longest cache
     * @param rotary how far rows are turned
     */
    public Rows(Placement placement, int capacity, int longest, DecoderShape shape, Rotary rotary) {
        this.placement = placement;
        this.shape = shape;
        this.longest = longest;
        int dim = shape.dim();
        stream = f32(capacity, dim);
        squares = f32(capacity, dim);
        scale = f32(capacity, 1);
        normed = f32(capacity, dim);
        qkv = f32(capacity, shape.joint());
        attended = f32(capacity, (long) shape.heads() * shape.headDim());
        gateUp = f32(capacity, 2L * shape.feedForward());
        hidden = f32(capacity, shape.feedForward());
        angleTable = owned.keep(placement.place(rotary.complexTable()));
        angles = owned.keep(torch.index_select(angleTable, 0, placement.zeros(ScalarType.Long, capacity)));
        rotaryCount = (int) angleTable.size(0);
        // Row i hides what is more than i behind column longest: moved to the left, the mask of any pass.
        mask = owned.keep(placement.place(torch.full(
                        new long[] {capacity, longest + (long) capacity + KvCache.BLOCK},
                        new Scalar(Double.NEGATIVE_INFINITY))
                .triu(longest + 1)));
        ids = new Indices(placement, capacity);
        turns = new Indices(placement, capacity);
        cacheRows = new Indices(placement, capacity);
        views = new View[capacity + 1];
        masks = new TensorOptional[capacity + 1][];
    }

    /** A view that outlives the pointer scope it is made in. */
    private static Tensor kept(Tensor view) {
        return view.retainReference();
    }

    private Tensor f32(long... shape) {
        return owned.keep(placement.zeros(ScalarType.Float, shape));
    }

    /** Begins a pass with no rows. */
    public void begin() {
        segments.clear();
        count = 0;
        if (segmentViews.size() > MOST_SEGMENT_VIEWS) {
            segmentViews.values().forEach(SegmentView::close);
            segmentViews.clear();
        }
    }

    /**
     * Adds {@code n} positions behind the length of {@code cache}.
     *
     * @param turn rotary position of the cache's position 0; where a position's is below 0, it is 0
     * @return their first row; there are halves * n
     */
    public int add(KvCache cache, int n, int turn) {
        cache.makeRoom(n);
        int wanted = count + cache.halves() * n;
        if (wanted > capacity()) {
            throw new IllegalArgumentException(
                    "the pass would have " + wanted + " rows, it was made for " + capacity());
        }
        int first = count;
        int from = cache.length();
        if (from + n + turn > rotaryCount) {
            throw new IllegalArgumentException("rotary position " + (from + n + turn - 1) + " is behind the last, "
                    + (rotaryCount - 1) + "; the sequence is too long");
        }
        for (int half = 0; half < cache.halves(); half++) {
            for (int i = 0; i < n; i++) {
                turns.put(count, Math.max(0, from + i + turn));
                cacheRows.put(count, cache.row(half, from + i));
                count++;
            }
        }
        segments.add(new Segment(cache, n, segmentView(first, cache.halves(), n), mask(cache, from, n)));
        return first;
    }

    /** Says what row {@code row} reads: an index into an embedding table. */
    public void id(int row, long value) {
        ids.put(row, value);
    }

    /** All rows are added and have their ids: makes the indices visible and looks the angles up. */
    public View ready() {
        ids.send();
        turns.send();
        cacheRows.send();
        View view = view();
        torch.index_select_out(view.angles, angleTable, 0, view.turns);
        return view;
    }

    /** The pass is computed: caches hold its positions. */
    public void done() {
        for (Segment segment : segments) {
            segment.cache.advance(segment.n);
        }
    }

    /** Rows added since {@link #begin}. */
    public int count() {
        return count;
    }

    /** Rows of the largest pass. */
    public int capacity() {
        return views.length - 1;
    }

    List<Segment> segments() {
        return segments;
    }

    private View view() {
        if (views[count] == null) {
            Tensor wide = gateUp.narrow(0, 0, count);
            long f = hidden.size(1);
            int headDim = shape.headDim();
            long both = (long) shape.heads() + shape.keyHeads();
            Tensor turned = qkv.narrow(0, 0, count).narrow(1, 0, shape.turned());
            views[count] = new View(
                    kept(stream.narrow(0, 0, count)),
                    kept(squares.narrow(0, 0, count)),
                    kept(scale.narrow(0, 0, count)),
                    kept(normed.narrow(0, 0, count)),
                    kept(qkv.narrow(0, 0, count)),
                    kept(turned.view(count, both, headDim)),
                    kept(torch.view_as_complex(turned.view(count, both, headDim / 2, 2))),
                    kept(angles.narrow(0, 0, count)),
                    kept(attended.narrow(0, 0, count)),
                    kept(wide),
                    kept(wide.narrow(1, 0, f)),
                    kept(wide.narrow(1, f, f)),
                    kept(hidden.narrow(0, 0, count)),
                    kept(ids.tensor().narrow(0, 0, count)),
                    kept(turns.tensor().narrow(0, 0, count)));
        }
        return views[count];
    }

    private SegmentView segmentView(int first, int halves, int n) {
        long key = ((long) first << 32) | ((long) halves << 24) | n;
        return segmentViews.computeIfAbsent(key, k -> {
            long rows = (long) halves * n;
            Tensor mine = qkv.narrow(0, first, rows);
            long queries = (long) shape.heads() * shape.headDim();
            return new SegmentView(
                    kept(byHead(mine.narrow(1, 0, queries), halves, n)),
                    kept(mine.narrow(1, queries, shape.joint() - queries)),
                    kept(byHead(attended.narrow(0, first, rows), halves, n)),
                    kept(cacheRows.tensor().narrow(0, first, rows)));
        });
    }

    private Tensor byHead(Tensor rows, int halves, int n) {
        return rows.view(halves, n, shape.heads(), shape.headDim()).transpose(1, 2);
    }

    /** What rows from..from + n - 1 must not see of the blocks they attend over. */
    private TensorOptional mask(KvCache cache, int from, int n) {
        if (masks[n] == null) {
            masks[n] = new TensorOptional[longest];
        }
        if (masks[n][from] == null) {
            masks[n][from] = new TensorOptional(mask.narrow(0, 0, n).narrow(1, longest - from, cache.seen(from + n)));
            masks[n][from].retainReference();
        }
        return masks[n][from];
    }

    @Override
    public void close() {
        segmentViews.values().forEach(SegmentView::close);
        for (View view : views) {
            if (view != null) {
                view.close();
            }
        }
        for (TensorOptional[] ofLength : masks) {
            for (int from = 0; ofLength != null && from < ofLength.length; from++) {
                if (ofLength[from] != null) {
                    ofLength[from].close();
                }
            }
        }
        ids.close();
        turns.close();
        cacheRows.close();
        owned.close();
    }
}
