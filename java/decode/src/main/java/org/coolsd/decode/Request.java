package org.coolsd.decode;

import java.util.Objects;
import org.coolsd.Sampling;

/**
 * What is to be decoded. Its tokens depend on this and on the decoder's options only, never on the rest of the batch.
 *
 * @param condition what the sequence is made from
 * @param seed of all of its random numbers
 * @param target how target logits become P
 * @param draft how draft logits become Q; {@link Drafter#jacobi} drafts best with that of the target
 * @param length tokens to generate, at least 1
 */
public record Request<C>(C condition, long seed, Sampling target, Sampling draft, int length) {
    /** Checks the length. */
    public Request {
        Objects.requireNonNull(condition, "condition");
        Objects.requireNonNull(target, "target");
        Objects.requireNonNull(draft, "draft");
        if (length < 1) {
            throw new IllegalArgumentException("length is " + length + ", it must be at least 1");
        }
    }

    /** One sampling for target and draft. */
    public static <C> Request<C> of(C condition, long seed, Sampling sampling, int length) {
        return new Request<>(condition, seed, sampling, sampling, length);
    }
}
