package org.coolsd.decode;

import java.util.List;
import java.util.function.Consumer;
import org.coolsd.Logits;
import org.coolsd.Step;

/** The part of a step in which the target scores all drafts in one pass, and they are verified in one call. */
final class Checking<C> {
    private final TargetSession<C> target;
    private final DraftSession<C> drafts;
    private final Step step;
    private final Batch<C> batch;
    private final Runs runs;
    private long stream;

    // Made once: a step allocates nothing.
    private final Consumer<Sequence<C>> place = this::place;
    private final Runnable score = this::scoreRuns;
    private final Runnable verify = this::verify;

    Checking(TargetSession<C> target, DraftSession<C> drafts, Step step, Batch<C> batch, DecoderOptions options) {
        this.target = target;
        this.drafts = drafts;
        this.step = step;
        this.batch = batch;
        runs = new Runs(options.slots(), options.draftLength());
    }

    /** Has the step work in the engine's stream, said again only where it has changed. */
    void follow() {
        long engines = target.stream();
        if (engines != stream) {
            step.stream(engines);
            stream = engines;
        }
    }

    void check() {
        runs.clear();
        List<Sequence<C>> scored = batch.active();
        for (int k = 0; k < scored.size(); k++) {
            Sequence<C> sequence = scored.get(k);
            System.arraycopy(sequence.draft, 0, runs.add(sequence.slot, sequence.drafted), 0, sequence.drafted);
        }
        batch.together(scored, score);
        batch.each(place);
        batch.together(batch.active(), verify);
    }

    private void scoreRuns() {
        target.score(runs);
    }

    /** Tells the step where a sequence's logits are. */
    private void place(Sequence<C> sequence) {
        Logits logits = target.logits(sequence.slot);
        requireGuided(sequence.request, logits);
        step.target(sequence.slot, logits);
        if (sequence.drafted > 0) {
            step.draft(sequence.slot, drafts.rows(sequence.slot));
        }
    }

    /** Guidance without an unconditional branch would be left out in silence. */
    private void requireGuided(Request<C> request, Logits logits) {
        float guidance = request.target().guidance();
        if (guidance != 1 && logits.unconditional() == null) {
            throw new IllegalArgumentException(
                    "guidance is " + guidance
                            + ", but the target's session has no unconditional branch: open it with one, or ask for guidance 1");
        }
    }

    private void verify() {
        step.verify();
    }
}
