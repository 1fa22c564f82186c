package org.coolsd.decode;

import java.util.Collection;

/**
 * What several sequences have cost and yielded together.
 *
 * @param sequences how many
 * @param tokens of all of them, forced ones included
 * @param forced tokens that the model forced
 * @param steps passes of the target
 * @param drafted tokens drafted
 * @param accepted drafted tokens that were accepted
 * @param drift sum of D over all of them
 */
public record Totals(int sequences, long tokens, long forced, long steps, long drafted, long accepted, double drift) {
    /** Adds up {@code results}. */
    public static Totals of(Collection<Result> results) {
        long tokens = 0;
        long forced = 0;
        long steps = 0;
        long drafted = 0;
        long accepted = 0;
        double drift = 0;
        for (Result result : results) {
            tokens += result.tokens().length;
            forced += result.forced();
            steps += result.steps();
            drafted += result.drafted();
            accepted += result.accepted();
            drift += result.drift();
        }
        return new Totals(results.size(), tokens, forced, steps, drafted, accepted, drift);
    }

    /** Tokens a step, forced ones apart, the drawn one included: as the papers count it. */
    public double acceptedLength() {
        return steps == 0 ? 0 : (double) (tokens - forced) / steps;
    }

    /** Mean over the sequences of the sum of D: an estimate of a bound on TV(generated, target). */
    public double driftPerSequence() {
        return sequences == 0 ? 0 : drift / sequences;
    }
}
