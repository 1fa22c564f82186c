package org.coolsd;

/**
 * The rule by which a draft is verified (docs/method.md): token by token with {@link #token}, as a whole with {@link
 * #block}, or token by token with neighbours pooled, {@link Lantern}. All but LANTERN's own residual resample from the
 * provably best law.
 */
public sealed interface Acceptance permits Acceptance.Token, Acceptance.Block, Lantern {
    /** Token x is accepted with min(1, omega P(x)/Q(x)), up to the first rejection: COOL-SD. */
    static Token token() {
        return new Token(0);
    }

    /**
     * Block verification of the relaxed law: the longest prefix is accepted that the whole draft allows; never fewer tokens
     * than token by token with the same factors, and lossless where every factor is 1.
     */
    static Block block() {
        return new Block();
    }

    /**
     * See {@link Acceptance#token}.
     *
     * @param affine a in min(1, a + omega P/Q), which is 0 where P = 0; finite and at least 0
     */
    record Token(float affine) implements Acceptance {
        /** Checks the range. */
        public Token {
            if (!(affine >= 0) || Float.isInfinite(affine)) {
                throw new IllegalArgumentException("affine is " + affine + ", it must be finite and at least 0");
            }
        }

        /** With acceptance min(1, a + omega P/Q); a = 1 - w with omega = w is the ensemble of two models with weight w. */
        public Token affine(double a) {
            return new Token((float) a);
        }
    }

    /** See {@link Acceptance#block}. */
    record Block() implements Acceptance {}
}
