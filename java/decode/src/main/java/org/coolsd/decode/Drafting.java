package org.coolsd.decode;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.coolsd.Logits;

/** Drafts token after token, those of all sequences that go on in one pass of the drafter and one call for each rule. */
final class Drafting<C> {
    private final DraftSession<C> drafts;
    private final Rules<C> rules;
    private final Batch<C> batch;
    /** Those whose draft goes on. */
    private final List<Sequence<C>> going = new ArrayList<>();

    private final int[] slots;

    // Made once: a step allocates nothing.
    private final Runnable propose = this::propose;
    private final Consumer<Sequence<C>> take = this::take;
    private final Consumer<Sequence<C>> takeDrawn = this::takeDrawn;

    Drafting(DraftSession<C> drafts, Rules<C> rules, Batch<C> batch, int most) {
        this.drafts = drafts;
        this.rules = rules;
        this.batch = batch;
        slots = new int[most];
    }

    void draft() {
        while (goesOn()) {
            batch.together(going, propose);
            batch.each(going, take);
            List<Rule<C>> all = rules.all();
            for (int r = 0; r < all.size(); r++) {
                Rule<C> rule = all.get(r);
                batch.together(rule.drawing, rule.sample);
                batch.each(rule.drawing, takeDrawn);
                rule.drawing.clear();
            }
        }
    }

    private boolean goesOn() {
        going.clear();
        List<Sequence<C>> active = batch.active();
        for (int i = 0; i < active.size(); i++) {
            if (active.get(i).drafting) {
                going.add(active.get(i));
            }
        }
        return !going.isEmpty();
    }

    private void propose() {
        for (int k = 0; k < going.size(); k++) {
            slots[k] = going.get(k).slot;
        }
        drafts.propose(slots, going.size());
    }

    /** Takes the token that the drafter has drawn, or lets it be drawn with the others. */
    private void take(Sequence<C> sequence) {
        int slot = sequence.slot;
        Logits row = drafts.row(slot);
        if (row == null) {
            sequence.drafting = false;
            return;
        }
        int token = drafts.token(slot);
        if (token == DraftSession.DRAW) {
            sequence.rule().draw(sequence, Guidance.read(sequence.request.draft(), row));
            return;
        }
        drafts.drawn(slot, token);
        sequence.drawn(token, 1);
        sequence.drawnByStep = false;
        sequence.rule().step.draft(slot, sequence.draft, sequence.drafted);
    }

    private void takeDrawn(Sequence<C> sequence) {
        int slot = sequence.slot;
        sequence.requireDrawn(sequence.rule().step.status(slot));
        int token = sequence.rule().step.draftToken(slot, sequence.drafted);
        drafts.drawn(slot, token);
        sequence.drawn(token, sequence.drawnByStep ? sequence.rule().step.draftPeak(slot) : 1);
    }
}
