package org.coolsd.onnxmodels;

import org.coolsd.Logits;
import org.coolsd.decode.Runs;
import org.coolsd.decode.TargetModel;
import org.coolsd.decode.TargetSession;

/**
 * A planted defect that a test of the law must see: the model goes on behind the token that was refused, in the place of the
 * one that was drawn.
 *
 * @param model without the defect
 */
public record KeepsRefused(TargetModel<Integer> model) implements TargetModel<Integer> {
    @Override
    public int vocab() {
        return model.vocab();
    }

    @Override
    public TargetSession<Integer> open(int slots, int longestRun) {
        TargetSession<Integer> session = model.open(slots, longestRun);
        int[][] run = new int[slots][];
        return new TargetSession<>() {
            @Override
            public int begin(int slot, Integer condition) {
                return session.begin(slot, condition);
            }

            @Override
            public void score(Runs runs) {
                for (int k = 0; k < runs.count(); k++) {
                    run[runs.slot(k)] = new int[runs.length(k)];
                    for (int i = 0; i < runs.length(k); i++) {
                        run[runs.slot(k)][i] = runs.token(k, i);
                    }
                }
                session.score(runs);
            }

            @Override
            public Logits logits(int slot) {
                return session.logits(slot);
            }

            @Override
            public void commit(int slot, int[] tokens, int count, int kept) {
                int[] stale = tokens.clone();
                if (kept < run[slot].length) {
                    stale[count - 1] = run[slot][kept];
                }
                session.commit(slot, stale, count, kept);
            }

            @Override
            public void close() {
                session.close();
            }
        };
    }
}
