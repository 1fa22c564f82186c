package org.coolsd.bench;

import org.coolsd.Logits;
import org.coolsd.Step;

/**
 * What every implementation of a verification is given.
 *
 * @param target logits [B, L + 1, V]
 * @param draft logits [B, L, V]
 * @param tokens [B][L], drawn from {@code draft}
 * @param omega [L]
 * @param topK cut-off of both laws, 0 for none
 */
record Draft(LogitRows target, LogitRows draft, int[][] tokens, float[] omega, int topK) {
    int batch() {
        return tokens.length;
    }

    int length() {
        return omega.length;
    }

    int vocab() {
        return target.vocab();
    }

    /** Draws the tokens of {@code draft} with {@code step}, which then has their normalisers. */
    static int[][] drawnBy(Step step, LogitRows draft) {
        int[][] tokens = new int[step.batch()][draft.rows()];
        for (int b = 0; b < step.batch(); b++) {
            step.begin(b, 7 + b, 0);
        }
        Logits rows = draft.view();
        for (int i = 0; i < draft.rows(); i++) {
            step.sampleDraft(rows.row(i));
            for (int b = 0; b < step.batch(); b++) {
                tokens[b][i] = step.draftToken(b, i);
            }
        }
        return tokens;
    }
}
