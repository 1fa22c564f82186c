package org.coolsd.decode;

import java.util.ArrayList;
import java.util.List;
import org.coolsd.Logits;
import org.coolsd.Step;

/** Drafts token after token, those of all sequences that go on in one pass of the drafter and one call of the step. */
final class Drafting<C> {
    private final DraftSession<C> drafts;
    private final Step step;
    private final Batch<C> batch;
    /** Those that draw their next token: their slots, and what from. */
    private final List<Sequence<C>> drawing = new ArrayList<>();

    private final int[] slots;
    private final Logits[] rows;

    Drafting(DraftSession<C> drafts, Step step, Batch<C> batch, int most) {
        this.drafts = drafts;
        this.step = step;
        this.batch = batch;
        slots = new int[most];
        rows = new Logits[most];
    }

    void draft() {
        for (List<Sequence<C>> going = going(); !going.isEmpty(); going = going()) {
            propose(going);
            drawing.clear();
            batch.each(going, this::take);
            batch.together(List.copyOf(drawing), () -> step.sampleDraft(slots, drawing.size(), rows));
            batch.each(drawing, this::takeDrawn);
        }
    }

    private List<Sequence<C>> going() {
        return batch.active(sequence -> sequence.drafting);
    }

    private void propose(List<Sequence<C>> going) {
        for (int k = 0; k < going.size(); k++) {
            slots[k] = going.get(k).slot;
        }
        batch.together(going, () -> drafts.propose(slots, going.size()));
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
        sequence.requireOk(step.status(slot), "draft token " + sequence.drafted);
        int token = step.draftToken(slot, sequence.drafted);
        drafts.drawn(slot, token);
        sequence.drawn(token, sequence.drawnByStep ? step.draftPeak(slot) : 1);
    }
}
