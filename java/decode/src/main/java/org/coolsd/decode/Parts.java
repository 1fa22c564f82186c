package org.coolsd.decode;

/** What a decoder has opened, and closes once: the drafter's session before the target's and the verifiers. */
record Parts<C>(TargetSession<C> target, DraftSession<C> drafts, Rules<C> rules) implements Runnable {
    /** Opens all of them, or none. */
    static <C> Parts<C> open(TargetModel<C> model, Drafter<C> drafter, DecoderOptions options) {
        Rules<C> rules = new Rules<>(options, model.vocab());
        try {
            TargetSession<C> target = model.open(options.slots(), options.draftLength());
            try {
                return new Parts<>(target, drafter.open(target, rules.own().verifier, options.slots()), rules);
            } catch (RuntimeException | Error e) {
                target.close();
                throw e;
            }
        } catch (RuntimeException | Error e) {
            rules.close();
            throw e;
        }
    }

    /** The sequence in {@code slot} is over, perhaps in the middle of a step. */
    void end(int slot) {
        rules.drop(slot);
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
                rules.close();
            }
        }
    }
}
