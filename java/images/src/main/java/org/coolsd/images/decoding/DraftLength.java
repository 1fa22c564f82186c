package org.coolsd.images.decoding;

/**
 * How many tokens a step drafts. It may depend on the prefix and on the tokens drafted so far, never on the next one, so that
 * every token is still decided by the rule (docs/method.md) with the factor of its position in the draft: lossless decoding stays
 * lossless, and the drift reported of a relaxed one is right, though its law is not that of another draft length. Nor may it
 * depend on time, so that images are repeatable.
 */
public interface DraftLength {
    /** The decisions for one image. */
    interface Decisions {
        /**
         * Whether another token is to be drafted in this step.
         *
         * @param drafted tokens drafted in this step so far, at least 1
         */
        boolean another(int drafted);

        /**
         * A token was drafted.
         *
         * @param peak largest probability of the law it was drawn from
         */
        void drafted(double peak);

        /** The step is over: {@code accepted} of its draft tokens were. */
        void verified(int accepted);
    }

    /** Decisions for an image that is about to begin. */
    Decisions begin();

    /** Always the schedule's draft length. */
    static DraftLength fixed() {
        return () -> new Decisions() {
            @Override
            public boolean another(int drafted) {
                return true;
            }

            @Override
            public void drafted(double peak) {}

            @Override
            public void verified(int accepted) {}
        };
    }

    /**
     * As long as the tokens drafted so far are all accepted with at least probability {@code reach}, by what was learnt
     * from this image's earlier steps; at most the schedule's draft length.
     *
     * @param reach 0..1: about the cost of one draft token over that of one token of the whole decoding
     */
    static DraftLength adaptive(double reach) {
        if (!(reach >= 0 && reach <= 1)) {
            throw new IllegalArgumentException("reach is " + reach + ", it must be 0..1");
        }
        return () -> new AdaptiveDraftLength(reach);
    }
}
