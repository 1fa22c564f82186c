package org.coolsd.bench;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;
import org.coolsd.Logits;
import org.coolsd.Step;
import org.coolsd.Verifier;

/**
 * Drafts to be verified in turn, each with the seed that decides it. Time depends on how many tokens are accepted: the turns
 * are chosen from many more drafts so that their accepted lengths are distributed as those are, every quantile once. Cases of
 * other V, type or batch then do the same work, though not a token of theirs is the same.
 */
final class DraftCycle {
    /** Turns of a cycle, a power of two. */
    static final int COUNT = 32;

    private static final int TRIED = 512;
    /** Odd, so that multiples of it visit every turn: neighbours in time are no neighbours in accepted length. */
    private static final int STRIDE = 13;

    private static final double LARGEST_UNIFORM = 1 - 0x1p-24;

    private final Step[] steps = new Step[COUNT];
    private final long[][] seeds;
    private final int[][] accepted;
    private final int[][][] tokens = new int[COUNT][][];

    DraftCycle(Verifier verifier, int batch, LogitRows target, LogitRows draft) {
        seeds = new long[COUNT][batch];
        accepted = new int[COUNT][batch];
        choose(tried(verifier.step(batch), target, draft));
        for (int turn = 0; turn < COUNT; turn++) {
            steps[turn] = verifier.step(batch);
            tokens[turn] = Draft.drawnBy(steps[turn], draft, seeds[turn]);
        }
    }

    /** [B][drafts]: tokens accepted of the draft that seed {@link #seed} draws and decides. */
    private static int[][] tried(Step step, LogitRows target, LogitRows draft) {
        int batch = step.batch();
        int drafts = Math.max(COUNT, TRIED / batch);
        int[][] accepted = new int[batch][drafts];
        Logits targetRows = target.view();
        Logits draftRows = draft.view();
        for (int i = 0; i < drafts; i++) {
            int number = i;
            Draft.drawnBy(
                    step,
                    draft,
                    IntStream.range(0, batch).mapToLong(b -> seed(b, number)).toArray());
            step.verify(targetRows, draftRows);
            for (int b = 0; b < batch; b++) {
                accepted[b][i] = step.verdict(b).accepted();
            }
        }
        return accepted;
    }

    private static long seed(int b, int draft) {
        return (long) b << 32 | draft;
    }

    private void choose(int[][] tried) {
        for (int b = 0; b < tried.length; b++) {
            int[] counts = tried[b];
            Integer[] order = IntStream.range(0, counts.length).boxed().toArray(Integer[]::new);
            Arrays.sort(order, Comparator.comparingInt(i -> counts[i]));
            for (int quantile = 0; quantile < COUNT; quantile++) {
                int chosen = order[(2 * quantile + 1) * counts.length / (2 * COUNT)];
                int turn = STRIDE * (quantile + b) & COUNT - 1;
                seeds[turn][b] = seed(b, chosen);
                accepted[turn][b] = counts[chosen];
            }
        }
    }

    /** A step that drew the draft of a turn itself and has its normalisers. */
    Step step(int turn) {
        return steps[turn];
    }

    /** What decides sequence {@code b} in a turn. */
    long seedOf(int turn, int b) {
        return seeds[turn][b];
    }

    /** Tokens that the library accepts. */
    int accepted(int turn, int b) {
        return accepted[turn][b];
    }

    /** [turns][B][L]. */
    int[][][] tokens() {
        return tokens;
    }

    /** Uniforms with which every peer accepts what the library accepts. */
    double uniform(int turn, int b, int i) {
        return i < accepted[turn][b] ? 0 : LARGEST_UNIFORM;
    }
}
