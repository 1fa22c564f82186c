package org.coolsd.onnxruntime;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtSession;
import java.util.Objects;
import org.coolsd.Verifier;
import org.coolsd.decode.DraftSession;
import org.coolsd.decode.Drafter;
import org.coolsd.decode.TargetSession;

/**
 * An EAGLE drafter in a session of its own: it reads a token and the hidden state that the token was drawn from, the target's
 * or its own, and predicts the next hidden state and its logits.
 *
 * @param <C> what a sequence is made from
 * @param environment of the session
 * @param session the drafter, on the CPU; it stays the caller's, who closes it after the last decoder
 * @param names of inputs and outputs
 */
public record OnnxEagle<C>(OrtEnvironment environment, OrtSession session, OnnxNames names) implements Drafter<C> {
    /** Refuses null. */
    public OnnxEagle {
        Objects.requireNonNull(environment, "environment");
        Objects.requireNonNull(session, "session");
        Objects.requireNonNull(names, "names");
    }

    /** With Optimum's names. */
    public static <C> OnnxEagle<C> of(OrtEnvironment environment, OrtSession session) {
        return new OnnxEagle<>(environment, session, OnnxNames.optimum());
    }

    /** @throws IllegalArgumentException if the target is not an {@link OnnxTarget}, or has not what the drafter reads */
    @Override
    public DraftSession<C> open(TargetSession<C> target, Verifier verifier, int slots) {
        if (!(target instanceof OnnxTargetSession<C> session)) {
            throw new IllegalArgumentException("EAGLE reads hidden states of an OnnxTarget, the target's session is a "
                    + target.getClass().getName());
        }
        return new OnnxEagleSession<>(
                this, session, slots, verifier.spec().drafts().length());
    }
}
