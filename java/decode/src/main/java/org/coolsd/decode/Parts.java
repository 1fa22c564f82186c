package org.coolsd.decode;

import org.coolsd.Verifier;

/** What a decoder has opened, and closes once: the drafter's session before the target's and the verifier. */
record Parts<C>(TargetSession<C> target, DraftSession<C> drafts, Verifier verifier) implements Runnable {
    /** Opens all three, or none. */
    static <C> Parts<C> open(TargetModel<C> model, Drafter<C> drafter, DecoderOptions options) {
        Verifier verifier = Verifier.open(options.backend(), options.spec(model.vocab()));
        try {
            TargetSession<C> target = model.open(options.slots(), options.draftLength());
            try {
                return new Parts<>(target, drafter.open(target, verifier, options.slots()), verifier);
            } catch (RuntimeException | Error e) {
                target.close();
                throw e;
            }
        } catch (RuntimeException | Error e) {
            verifier.close();
            throw e;
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
