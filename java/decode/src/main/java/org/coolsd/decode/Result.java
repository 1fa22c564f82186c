package org.coolsd.decode;

/**
 * A decoded sequence.
 *
 * @param tokens all of them, forced ones included
 * @param forced tokens that the model forced
 * @param steps passes of the target
 * @param drafted tokens drafted
 * @param accepted drafted tokens that were accepted
 * @param drift sum of D = TV(Phat, P) over the draft positions that emitted; 0 if it was not asked for
 * @param kept product of min(1, P/Phat) over the tokens: one minus its mean over sequences bounds TV(generated, target) too; 1
 *     if the report RATIO was not asked for
 * @param logProb sum of log P over the tokens that were not forced, natural; 0 if the report LOG_PROB was not asked for
 */
public record Result(
        int[] tokens, int forced, int steps, int drafted, int accepted, double drift, double kept, double logProb) {
    /** Tokens a step, forced ones apart. */
    public double acceptedLength() {
        return steps == 0 ? 0 : (double) (tokens.length - forced) / steps;
    }
}
