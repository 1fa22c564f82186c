package org.coolsd.models.decoder;

import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * What a branch of a sequence reads before its first generated token: a position each, of which the last predicts that token.
 *
 * @param length positions, at least 1
 * @param ids the rows of the embedding table that they read [length], or null
 * @param embedded where there are no ids, what they read itself: f32 [length, dim], where the model computes
 */
@SuppressWarnings("exports") // The annotation is for compilers: who uses this module needs not have it.
public record Prefix(int length, long @Nullable [] ids, @Nullable Tensor embedded) {
    /** Checks that there is a position. */
    public Prefix {
        if (length < 1) {
            throw new IllegalArgumentException("the prefix is empty; the first token needs a position before it");
        }
    }

    /** Positions that read rows of the embedding table. */
    public static Prefix of(long... ids) {
        return new Prefix(ids.length, ids, null);
    }

    /** Positions that read {@code rows}, f32 [length, dim]. */
    public static Prefix of(Tensor rows) {
        return new Prefix(Math.toIntExact(rows.size(0)), null, rows);
    }
}
