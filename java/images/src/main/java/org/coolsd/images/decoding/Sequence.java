package org.coolsd.images.decoding;

import java.util.Arrays;
import java.util.List;
import org.coolsd.Logits;
import org.coolsd.Status;
import org.coolsd.Step;
import org.coolsd.Verdict;
import org.coolsd.Verifier;
import org.coolsd.images.ImageRequest;

/** A place for one image at a time in a decoder, with the memory that its steps need. */
final class Sequence implements AutoCloseable {
    final List<Part> parts;
    private final Step step;
    private final DraftLength draftLength;
    private final Verification verification;
    private final float[] budgets;
    private final int most;
    private final int total;
    /** The draft as the verifier sees it: all rows, and row i. */
    private final Logits draft;

    private final Logits[] draftRows;

    private int image;
    private ImageRequest request;
    private int[] tokens;
    private int decided;
    private int lastDecided;
    private int lastDrafted;
    private DraftLength.Decisions decisions;
    private double drift;
    /** What ended the image, or null. */
    private String failure;

    /** Whether the caches may hold NaN, which no mask hides: a step began and did not end well. */
    private boolean suspect;

    /** @param parts one, or the conditional and the unconditional half in this order */
    Sequence(List<Part> parts, Verifier verifier, Verification verification, DraftLength draftLength, int total) {
        this.parts = parts;
        this.verification = verification;
        this.draftLength = draftLength;
        this.most = verifier.spec().drafts().length();
        this.total = total;
        budgets = new float[most];
        step = verifier.step(1);
        draft = most == 0 ? null : halves((part, half) -> part.draft(half));
        draftRows = new Logits[most];
        for (int i = 0; i < most; i++) {
            draftRows[i] = draft.row(i);
        }
    }

    /** A view of one half of a part. */
    private interface View {
        Logits of(Part part, int half);
    }

    /** Both halves of guidance as one view, wherever they are; without guidance the only one. */
    private Logits halves(View view) {
        Part first = parts.get(0);
        Logits conditional = view.of(first, 0);
        if (first.halves == 2) {
            return conditional.guidedBy(view.of(first, 1));
        }
        return parts.size() == 2 ? conditional.guidedBy(view.of(parts.get(1), 0)) : conditional;
    }

    /** Begins an image. */
    void begin(int image, ImageRequest request) {
        this.image = image;
        this.request = request;
        tokens = new int[total];
        decided = 0;
        lastDecided = 0;
        lastDrafted = 0;
        drift = 0;
        failure = null;
        decisions = draftLength.begin();
        for (Part part : parts) {
            part.begin(suspect);
        }
        suspect = false;
    }

    int image() {
        return image;
    }

    int label() {
        return request.label();
    }

    /** Tokens of the image [blockSize], then those drafted behind the decided ones. */
    int[] tokens() {
        return tokens;
    }

    int decided() {
        return decided;
    }

    boolean complete() {
        return decided == total;
    }

    /** Begins a step. */
    void beginStep() {
        suspect = true;
        step.begin(0, request.seed(), decided);
        if (verification.hasImageBudget() && most > 0) {
            // The rest is spread over the tokens to come, so that what positions leave is carried on.
            double left = Math.max(0, verification.driftPerImage() - drift);
            Arrays.fill(budgets, (float) (left / (total - decided)));
            step.budget(0, budgets);
        }
    }

    /** Tokens drafted in this step so far. */
    int drafts() {
        return step.draftLength(0);
    }

    /**
     * Whether another token is drafted. The first step has no feature to draft from, the last token needs no draft; every
     * other step drafts at least one, since the drafter must read the decided tokens anyway.
     */
    boolean wantsDraft() {
        int n = drafts();
        return decided > 0 && n < Math.min(most, total - decided - 1) && (n == 0 || decisions.another(n));
    }

    /** The draft pass of position {@code drafts()} reads from here on: after the first pass only the last draft token. */
    int draftFrom() {
        return drafts() == 0 ? decided - lastDecided : decided + drafts() - 1;
    }

    /** Positions that the draft pass reads. */
    int draftCount() {
        return drafts() == 0 ? lastDecided : 1;
    }

    /** Rows of a half in the last target pass. */
    int targetRows() {
        return lastDrafted + 1;
    }

    /** Draws a draft token from the logits that every part has in its row of the current position, or fails. */
    void drawDraft() {
        int i = drafts();
        if (!step.sampleDraft(draftRows[i])) {
            failure = "draft logits at token " + (decided + i) + ": " + step.status(0);
            return;
        }
        tokens[decided + i] = step.draftToken(0, i);
        decisions.drafted(step.draftPeak(0));
    }

    /** Positions that the target pass reads: of the last decided token and the drafted ones, or of the class. */
    int targetCount() {
        return drafts() + 1;
    }

    /**
     * Accepts a prefix of the draft and draws one token more, or fails.
     *
     * @param logits addresses of each lane's target logits
     * @return drift of the step
     */
    double verify(long[] logits) {
        int n = drafts();
        lastDrafted = n;
        step.verify(halves((part, half) -> part.target(logits[part.lane], half, n + 1)), n == 0 ? null : draft);
        Verdict verdict = step.verdict(0);
        if (verdict.status() != Status.OK) {
            failure = "logits at token " + decided + ": " + verdict.status();
            return 0;
        }
        lastDecided = verdict.length();
        for (int i = 0; i < lastDecided; i++) {
            tokens[decided + i] = verdict.token(i);
        }
        decided += lastDecided;
        for (Part part : parts) {
            part.targetCache.rollBack(decided);
            if (part.drafterCache != null) {
                part.drafterCache.rollBack(Math.min(part.drafterCache.length(), decided - lastDecided));
            }
        }
        decisions.verified(verdict.accepted());
        double stepDrift = verdict.drift();
        drift += stepDrift;
        suspect = false;
        return stepDrift;
    }

    /** What is wrong with the image's logits, and at which token; null where nothing is. */
    String failure() {
        return failure;
    }

    /** Sum of D over the image's steps. */
    double drift() {
        return drift;
    }

    /** The stream in which the logits are computed from now on. */
    void stream(long handle) {
        step.stream(handle);
    }

    /** Tokens that the last step decided. */
    int lastDecided() {
        return lastDecided;
    }

    /** Tokens that the last step drafted. */
    int lastDrafted() {
        return lastDrafted;
    }

    @Override
    public void close() {
        step.close();
        parts.forEach(Part::close);
    }
}
