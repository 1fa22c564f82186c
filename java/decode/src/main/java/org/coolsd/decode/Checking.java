package org.coolsd.decode;

import java.util.List;
import java.util.function.Consumer;
import org.coolsd.Logits;
import org.coolsd.Step;

/** The part of a step in which the target scores all drafts in one pass, and they are verified, in one call for each rule. */
final class Checking<C> {
    private final TargetSession<C> target;
    private final DraftSession<C> drafts;
    private final Rules<C> rules;
    private final Batch<C> batch;
    private final Runs runs;

    // Made once: a step allocates nothing.
    private final Consumer<Sequence<C>> place = this::place;
    private final Runnable score = this::scoreRuns;

    Checking(TargetSession<C> target, DraftSession<C> drafts, Rules<C> rules, Batch<C> batch, DecoderOptions options) {
        this.target = target;
        this.drafts = drafts;
        this.rules = rules;
        this.batch = batch;
        runs = new Runs(options.slots(), options.draftLength());
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
        List<Rule<C>> all = rules.all();
        List<Sequence<C>> placed = batch.active();
        for (int k = 0; k < placed.size(); k++) {
            placed.get(k).rule().scored.add(placed.get(k));
        }
        for (int r = 0; r < all.size(); r++) {
            Rule<C> rule = all.get(r);
            batch.together(rule.scored, rule.verify);
            rule.scored.clear();
        }
    }

    private void scoreRuns() {
        target.score(runs);
    }

    /** Tells the step where a sequence's logits are. */
    private void place(Sequence<C> sequence) {
        Logits logits = target.logits(sequence.slot);
        requireGuided(sequence.request, logits);
        Step step = sequence.rule().step;
        step.target(sequence.slot, Guidance.read(sequence.request.target(), logits));
        if (sequence.drafted > 0) {
            step.draft(sequence.slot, Guidance.read(sequence.request.draft(), drafts.rows(sequence.slot)));
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
}
