package org.coolsd.images.decoding;

import java.util.Objects;
import org.coolsd.Acceptance;
import org.coolsd.Schedule;

/**
 * How drafts are verified: the factors and the longest draft, the rule, and how much drift an image may have.
 *
 * @param drafts relaxation factors and the longest draft; length 0 is plain sampling
 * @param acceptance token by token or as a block
 * @param driftPerImage the most that the drift of an image's positions may add up to; what a position leaves goes to those
 *     behind it. Infinite unless the drafts are those of {@link Schedule#budget}, whose budget of a position it then replaces
 */
public record Verification(Schedule.Drafts drafts, Acceptance acceptance, double driftPerImage) {
    /** Checks that the parts fit each other. */
    public Verification {
        Objects.requireNonNull(drafts, "drafts");
        Objects.requireNonNull(acceptance, "acceptance");
        if (!(driftPerImage >= 0)) {
            throw new IllegalArgumentException("driftPerImage is " + driftPerImage + ", it must be at least 0");
        }
        if (driftPerImage < Double.POSITIVE_INFINITY && drafts.factors() != Schedule.Factors.BUDGET) {
            throw new IllegalArgumentException("driftPerImage is " + driftPerImage + ", but the schedule is "
                    + drafts.schedule() + "; only Schedule.budget takes one");
        }
    }

    /** Token by token, whatever the drift. */
    public static Verification token(Schedule.Drafts drafts) {
        return new Verification(drafts, Acceptance.token(), Double.POSITIVE_INFINITY);
    }

    /** As a block, whatever the drift. */
    public static Verification block(Schedule.Drafts drafts) {
        return new Verification(drafts, Acceptance.block(), Double.POSITIVE_INFINITY);
    }

    /** With a budget for each image. */
    public Verification driftPerImage(double budget) {
        return new Verification(drafts, acceptance, budget);
    }

    boolean hasImageBudget() {
        return driftPerImage < Double.POSITIVE_INFINITY;
    }
}
