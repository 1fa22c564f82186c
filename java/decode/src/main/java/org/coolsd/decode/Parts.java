package org.coolsd.decode;

import org.coolsd.Step;
import org.coolsd.Verifier;

/** What a decoder has opened, and closes once: the drafter's session before the target's and the verifier. */
record Parts<C>(TargetSession<C> target, DraftSession<C> drafts, Verifier verifier, Step step) implements Runnable {
    /** Opens all of them, or none. */
    static <C> Parts<C> open(TargetModel<C> model, Drafter<C> drafter, DecoderOptions options) {
        Verifier verifier = Verifier.open(options.backend(), options.spec(model.vocab()));
        try {
            Step step = verifier.step(options.slots());
            TargetSession<C> target = model.open(options.slots(), options.draftLength());
            try {
                return new Parts<>(target, drafter.open(target, verifier, options.slots()), verifier, step);
            } catch (RuntimeException | Error e) {
                target.close();
                throw e;
            }
        } catch (RuntimeException | Error e) {
            verifier.close();
            throw e;
        }
    }

    /** The sequence in {@code slot} is over, perhaps in the middle of a step. */
    void end(int slot) {
        step.drop(slot);
        try {
            drafts.end(slot);
        } finally {
            target.end(slot);
        }
    }

    @Override
    public void run() {
        try {
            drafts.close();
        } finally {
            try {
                target.close();
            } finally {
                verifier.close();
            }
        }
    }
}
