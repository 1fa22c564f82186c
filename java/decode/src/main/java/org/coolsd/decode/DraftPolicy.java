package org.coolsd.decode;

/**
 * How many tokens a step drafts. It may depend on the prefix and on the tokens drafted so far, never on the next one, so that
 * every token is still decided by the rule with the factor of its position in the draft: lossless decoding stays lossless.
 * Nor may it depend on time, so that results are repeatable.
 */
@FunctionalInterface
public interface DraftPolicy {
    /** The decisions for one request. */
    @FunctionalInterface
    interface Decisions {
        /**
         * Whether another token is to be drafted in this step.
         *
         * @param drafted tokens drafted in this step so far
         */
        boolean another(int drafted);

        /**
         * A token was drafted.
         *
         * @param peak largest probability of the law it was drawn from; 1 if the drafter drew it by itself
         */
        default void drawn(double peak) {}

        /** The step is over: {@code accepted} of its draft tokens were. */
        default void verified(int accepted) {}
    }

    /** Decisions for a request that is about to begin. */
    Decisions begin();

    /** Always the schedule's draft length. */
    static DraftPolicy fixed() {
        return () -> drafted -> true;
    }

    /**
     * As long as the tokens drafted so far are all accepted with at least probability {@code reach}, by what was learnt
     * from this request's earlier steps; at most the schedule's draft length.
     *
     * @param reach 0..1: about the cost of one draft token over that of one token of the whole decoding
     */
    static DraftPolicy adaptive(double reach) {
        if (!(reach >= 0 && reach <= 1)) {
            throw new IllegalArgumentException("reach is " + reach + ", it must be 0..1");
        }
        return () -> new AdaptiveDrafts(reach);
    }
}
