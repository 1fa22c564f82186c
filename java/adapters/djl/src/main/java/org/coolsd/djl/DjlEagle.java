package org.coolsd.djl;

import ai.djl.Model;
import java.util.Objects;
import org.coolsd.Verifier;
import org.coolsd.decode.DraftSession;
import org.coolsd.decode.Drafter;
import org.coolsd.decode.TargetSession;
import org.coolsd.passes.DecoderNames;
import org.coolsd.passes.RowEagleSession;
import org.coolsd.passes.RowTargetSession;

/**
 * An EAGLE drafter in a model of its own: it reads a token and the hidden state that the token was drawn from, the target's or
 * its own, and predicts the next hidden state and its logits. The target's shape must tell the width of its hidden states.
 *
 * @param <C> what a sequence is made from
 * @param model loaded, on the CPU; it stays the caller's, who closes it after the last decoder
 * @param shape its sizes, width and vocabulary those of the target
 * @param names of inputs and outputs
 */
public record DjlEagle<C>(Model model, DecoderShape shape, DecoderNames names) implements Drafter<C> {
    /** Refuses null. */
    public DjlEagle {
        Objects.requireNonNull(model, "model");
        Objects.requireNonNull(shape, "shape");
        Objects.requireNonNull(names, "names");
    }

    /** With Optimum's names. */
    public static <C> DjlEagle<C> of(Model model, DecoderShape shape) {
        return new DjlEagle<>(model, shape, DecoderNames.optimum());
    }

    /** @throws IllegalArgumentException if the target is not a {@link DjlTarget}, or has not what the drafter reads */
    @Override
    public DraftSession<C> open(TargetSession<C> target, Verifier verifier, int slots) {
        if (!(target instanceof RowTargetSession<C> read && read.passes() instanceof DjlPasses passes)) {
            throw new IllegalArgumentException("EAGLE reads hidden states of a DjlTarget, the target's session is a "
                    + target.getClass().getName());
        }
        DecoderShape its = passes.shape();
        if (shape.width() == 0 || shape.width() != its.width() || shape.vocab() != its.vocab()) {
            throw new IllegalArgumentException("the drafter reads hidden states of width " + shape.width() + " and has "
                    + shape.vocab() + " tokens, the target has " + its.width() + " and " + its.vocab()
                    + ": they must be the same, and the width above 0");
        }
        return new RowEagleSession<>(
                rows -> new DjlPasses(model, shape, names, true, passes.copies(), rows),
                read,
                slots,
                verifier.spec().drafts().length());
    }
}
