package org.coolsd.decode;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.coolsd.Logits;
import org.coolsd.Step;

/** Drafts token after token, those of all sequences that go on in one pass of the drafter and one call of the step. */
final class Drafting<C> {
    private final DraftSession<C> drafts;
    private final Step step;
    private final Batch<C> batch;
    /** Those whose draft goes on. */
    private final List<Sequence<C>> going = new ArrayList<>();

    /** Those that draw their next token: their slots, and what from. */
    private final List<Sequence<C>> drawing = new ArrayList<>();

    private final int[] slots;
    private final Logits[] rows;

    // Made once: a step allocates nothing.
    private final Runnable propose = this::propose;
    private final Runnable sample = this::sample;
    private final Consumer<Sequence<C>> take = this::take;
    private final Consumer<Sequence<C>> takeDrawn = this::takeDrawn;

    Drafting(DraftSession<C> drafts, Step step, Batch<C> batch, int most) {
        this.drafts = drafts;
        this.step = step;
        this.batch = batch;
        slots = new int[most];
        rows = new Logits[most];
    }

    void draft() {
        while (goesOn()) {
            batch.together(going, propose);
            drawing.clear();
            batch.each(going, take);
            batch.together(drawing, sample);
            batch.each(drawing, takeDrawn);
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

    private void sample() {
        step.sampleDraft(slots, drawing.size(), rows);
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
            slots[drawing.size()] = slot;
            rows[drawing.size()] = row;
            drawing.add(sequence);
            return;
        }
        drafts.drawn(slot, token);
        sequence.drawn(token, 1);
        sequence.drawnByStep = false;
        step.draft(slot, sequence.draft, sequence.drafted);
    }

    private void takeDrawn(Sequence<C> sequence) {
        int slot = sequence.slot;
        sequence.requireDrawn(step.status(slot));
        int token = step.draftToken(slot, sequence.drafted);
        drafts.drawn(slot, token);
        sequence.drawn(token, sequence.drawnByStep ? step.draftPeak(slot) : 1);
    }
}
