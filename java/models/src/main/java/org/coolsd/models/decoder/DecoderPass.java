package org.coolsd.models.decoder;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.coolsd.libtorch.KvCache;
import org.coolsd.libtorch.LeadingRows;
import org.coolsd.libtorch.Rows;

/**
 * Passes of a decoder, one after the other: {@link #begin}, {@link #add} for each sequence, {@link #run}. Features and logits
 * stay until the next pass. One thread at a time; run inside a {@link org.coolsd.libtorch.PassScope}.
 */
public final class DecoderPass implements AutoCloseable {
    private final DecoderForward target;
    private final Rows rows;
    private final LeadingRows features;
    private final List<Given> given = new ArrayList<>();
    private Tensor logits;

    /** Rows of the pass that read something else than a row of the embedding table. */
    private record Given(int first, Tensor read) {}

    DecoderPass(DecoderForward target, Rows rows) {
        this.target = target;
        this.rows = rows;
        this.features = new LeadingRows(target.placement()
                .zeros(ScalarType.Float, rows.capacity(), target.shape().dim()));
    }

    /** Begins a pass with no rows. */
    public void begin() {
        rows.begin();
        given.clear();
    }

    /**
     * Extends a sequence by {@code n} positions behind its cache's length.
     *
     * @param prefixes what the cache's halves begin with, all of one length
     * @param turn rotary position of the cache's position 0; where a position's is below 0, it is 0
     * @param tokens the position i behind the prefix reads token i
     * @return the sequence's first row; conditional positions first, then with guidance as many unconditional ones
     */
    public int add(KvCache cache, Prefix[] prefixes, int turn, int[] tokens, int n) {
        int from = cache.length();
        int first = rows.add(cache, n, turn);
        for (int half = 0; half < cache.halves(); half++) {
            Prefix prefix = prefixes[half];
            int row = first + half * n;
            for (int i = 0; i < n; i++) {
                int position = from + i;
                rows.id(row + i, id(prefix, position, tokens));
            }
            int covered = Math.min(n, prefix.length() - from);
            if (covered > 0 && prefix.embedded() != null) {
                given.add(new Given(row, prefix.embedded().narrow(0, from, covered)));
            }
        }
        return first;
    }

    private long id(Prefix prefix, int position, int[] tokens) {
        if (position >= prefix.length()) {
            return target.id(tokens[position - prefix.length()]);
        }
        return prefix.ids() == null ? 0 : prefix.ids()[position];
    }

    /** Computes the pass with its logits; caches hold its positions afterwards. */
    public void run() {
        Tensor computed = extend();
        if (logits != null) {
            logits.releaseReference();
        }
        logits = target.logits(computed).retainReference();
    }

    /**
     * Computes the pass without logits; caches hold its positions afterwards.
     *
     * @return features f32 [rows, dim], which the next pass overwrites
     */
    Tensor extend() {
        Rows.View v = rows.ready();
        if (target.embedding().scalar_type().intern() == ScalarType.Float) {
            torch.index_select_out(v.stream(), target.embedding(), 0, v.ids());
        } else {
            v.stream().copy_(torch.index_select(target.embedding(), 0, v.ids()));
        }
        for (Given g : given) {
            v.stream().narrow(0, g.first(), g.read().size(0)).copy_(g.read());
        }
        target.stack().forward(rows, v);
        target.stack().normalise(v);
        Tensor computed = features.first(rows.count());
        torch.mul_out(computed, v.normed(), target.norm());
        rows.done();
        return computed;
    }

    /** Rows of the largest pass. */
    int capacity() {
        return rows.capacity();
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
