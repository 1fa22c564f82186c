package org.coolsd.decode;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.coolsd.Acceptance;
import org.coolsd.Logits;
import org.coolsd.Schedule;
import org.coolsd.Step;
import org.coolsd.Verifier;
import org.coolsd.VerifierSpec;

/** One way in which the operation decides, with its verifier and its step: shared by all requests that are decided so. */
final class Rule<C> {
    /** What a verifier is made for; all else each request brings with it. */
    record Kind(Acceptance acceptance, Schedule.Factors factors, Set<VerifierSpec.Report> reports) {
        static Kind of(DecoderOptions options) {
            return new Kind(options.acceptance(), options.factors().schedule().factors(), options.verdictReports());
        }
    }

    final Kind kind;
    final Verifier verifier;
    final Step step;

    /** Those that are verified next. */
    final List<Sequence<C>> scored = new ArrayList<>();

    /** Those that draw their next draft token: with their slots, and what from. */
    final List<Sequence<C>> drawing = new ArrayList<>();

    private final int[] slots;
    private final Logits[] rows;

    // Made once: a step allocates nothing.
    final Runnable sample = this::sampleDrafts;
    final Runnable verify = this::verifyDrafts;

    Rule(Kind kind, Verifier verifier, int most) {
        this.kind = kind;
        this.verifier = verifier;
        step = verifier.step(most);
        slots = new int[most];
        rows = new Logits[most];
    }

    /** Lets a sequence draw its next draft token from {@code row}. */
    void draw(Sequence<C> sequence, Logits row) {
        slots[drawing.size()] = sequence.slot;
        rows[drawing.size()] = row;
        drawing.add(sequence);
    }

    private void sampleDrafts() {
        step.sampleDraft(slots, drawing.size(), rows);
    }

    private void verifyDrafts() {
        step.verify();
    }
}
