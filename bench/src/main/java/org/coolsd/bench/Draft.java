package org.coolsd.bench;

import org.coolsd.Logits;
import org.coolsd.Step;

/**
 * What every implementation of a verification is given: the same rows, and in turn other tokens drawn from them.
 *
 * @param target logits [B, L + 1, V]
 * @param draft logits [B, L, V]
 * @param tokens [turns][B][L], drawn from {@code draft}
 * @param omega [L]
 * @param topK cut-off of both laws, 0 for none
 * @param acceptance uniforms of the peers
 */
record Draft(LogitRows target, LogitRows draft, int[][][] tokens, float[] omega, int topK, Acceptance acceptance) {
    /** Where peers have the uniforms from that draft tokens are accepted with. */
    @FunctionalInterface
    interface Acceptance {
        /** In [0, 1), for draft token {@code i} of sequence {@code b}. */
        double uniform(int turn, int b, int i);
    }

    int batch() {
        return tokens[0].length;
    }

    int length() {
        return omega.length;
    }

    int vocab() {
        return target.vocab();
    }

    /**
     * Draws a draft of every sequence from the rows {@code draft} with {@code step}, which then has the normalisers.
     *
     * @param seeds one of each sequence
     * @return the tokens, [B][L]
     */
    static int[][] drawnBy(Step step, LogitRows draft, long... seeds) {
        int[][] tokens = new int[step.batch()][draft.rows()];
        for (int b = 0; b < step.batch(); b++) {
            step.begin(b, seeds[b], 0);
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
