package org.coolsd.onnxruntime;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtSession;
import java.util.Objects;
import org.coolsd.Verifier;
import org.coolsd.decode.DraftSession;
import org.coolsd.decode.Drafter;
import org.coolsd.decode.TargetSession;
import org.coolsd.passes.DecoderNames;
import org.coolsd.passes.RowEagleSession;
import org.coolsd.passes.RowTargetSession;

/**
 * An EAGLE drafter in a session of its own: it reads a token and the hidden state that the token was drawn from, the target's
 * or its own, and predicts the next hidden state and its logits.
 *
 * @param <C> what a sequence is made from
 * @param environment of the session
 * @param session the drafter, on the CPU; it stays the caller's, who closes it after the last decoder
 * @param names of inputs and outputs
 */
public record OnnxEagle<C>(OrtEnvironment environment, OrtSession session, DecoderNames names) implements Drafter<C> {
    /** Refuses null. */
    public OnnxEagle {
        Objects.requireNonNull(environment, "environment");
        Objects.requireNonNull(session, "session");
        Objects.requireNonNull(names, "names");
    }

    /** With Optimum's names. */
    public static <C> OnnxEagle<C> of(OrtEnvironment environment, OrtSession session) {
        return new OnnxEagle<>(environment, session, DecoderNames.optimum());
    }

    /** @throws IllegalArgumentException if the target is not an {@link OnnxTarget}, or has not what the drafter reads */
    @Override
    public DraftSession<C> open(TargetSession<C> target, Verifier verifier, int slots) {
        if (!(target instanceof RowTargetSession<C> read && read.passes() instanceof OnnxPasses passes)) {
            throw new IllegalArgumentException("EAGLE reads hidden states of an OnnxTarget, the target's session is a "
                    + target.getClass().getName());
        }
        OnnxLayout own = OnnxLayout.of(session, names);
        OnnxLayout its = passes.layout();
        if (!own.readsHidden() || own.width() == 0) {
            throw new IllegalArgumentException("the drafter needs " + names.hiddenStates() + " as an input and "
                    + names.predictedStates() + " as an output, as EAGLE has them");
        }
        if (own.width() != its.width() || own.hidden() != its.hidden() || own.vocab() != its.vocab()) {
            throw new IllegalArgumentException("the drafter reads hidden states of width " + own.width() + " and has "
                    + own.vocab() + " tokens, the target has " + its.width() + " and " + its.vocab()
                    + ": they must be the same");
        }
        return new RowEagleSession<>(
                rows -> new OnnxPasses(environment, session, names, own, rows),
                read,
                slots,
                verifier.spec().drafts().length());
    }
}
