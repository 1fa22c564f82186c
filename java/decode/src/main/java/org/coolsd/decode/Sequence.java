package org.coolsd.decode;

import java.util.Arrays;
import java.util.Set;
import org.coolsd.CoolsdException;
import org.coolsd.Status;
import org.coolsd.Verdict;
import org.coolsd.VerifierSpec;
import org.jspecify.annotations.Nullable;

/** A request, what has been decided of it, and its step under way. */
final class Sequence<C> {
    final Request<C> request;
    final Ticket ticket = new Ticket();
    private final Listener listener;
    int slot;

    /** Decided tokens: the first {@code count}. */
    private final int[] tokens;

    int count;
    private int told;
    private int forced;
    private int steps;
    private int drafts;
    private int accepted;
    private double drift;
    private double kept = 1;
    private double logProb;

    /** The step's draft: the first {@code drafted}, at most {@code limit}. */
    final int[] draft;

    int drafted;
    int limit;
    boolean drafting;
    /** Whether every token so far was drawn by the step, which then knows their laws' peaks. */
    boolean drawnByStep;

    /** What the last step yielded. */
    final int[] yielded;

    private final DraftPolicy policy;
    private final FactorPolicy factors;
    private DraftPolicy.@Nullable Decisions decisions;
    private FactorPolicy.@Nullable Budgets budgets;

    Sequence(Request<C> request, Listener listener, DecoderOptions options) {
        this.request = request;
        this.listener = listener;
        tokens = new int[request.length()];
        draft = new int[options.draftLength()];
        yielded = new int[options.draftLength() + 1];
        policy = options.drafts();
        factors = options.factors();
    }

    /** The policies' turn, when the request enters the batch. */
    void begin() {
        decisions = policy.begin();
        budgets = factors.perStep() ? factors.begin(request.length()) : null;
    }

    boolean isComplete() {
        return count == tokens.length;
    }

    /** Begins a step that may draft {@code most} tokens. */
    void beginStep(int most) {
        drafted = 0;
        limit = most;
        drawnByStep = true;
        drafting = another();
    }

    private boolean another() {
        return drafted < limit && decisions != null && decisions.another(drafted);
    }

    void drawn(int token, double peak) {
        draft[drafted++] = token;
        if (decisions != null) {
            decisions.drawn(peak);
        }
        drafting = another();
    }

    /** The drift budgets of the step's draft positions, or null if they are the schedule's. */
    float @Nullable [] budgets() {
        if (budgets == null) {
            return null;
        }
        double wanted = budgets.perPosition(tokens.length - count, drift);
        float atMost = (float) wanted;
        float[] all = new float[limit];
        Arrays.fill(all, atMost > wanted ? Math.nextDown(atMost) : atMost);
        return all;
    }

    /** The factors of the step's draft positions, or none if they are the schedule's. */
    float[] factors() {
        return factors.factors(count, draft.length);
    }

    /** Takes a token that is forced, as all that this position yields. */
    void force(int token) {
        yielded[0] = token;
        tokens[count++] = token;
        forced++;
    }

    /** Takes what a verdict yields; returns how many tokens. */
    int take(Verdict verdict, Set<VerifierSpec.Report> reports) {
        int length = verdict.length();
        for (int i = 0; i < length; i++) {
            yielded[i] = verdict.token(i);
            tokens[count++] = yielded[i];
            kept *= reports.contains(VerifierSpec.Report.RATIO) ? Math.min(1, verdict.ratio(i)) : 1;
            logProb += reports.contains(VerifierSpec.Report.LOG_PROB) ? verdict.logProb(i) : 0;
        }
        steps++;
        drafts += drafted;
        accepted += verdict.accepted();
        drift += reports.contains(VerifierSpec.Report.DRIFT) ? verdict.drift() : 0;
        if (decisions != null) {
            decisions.verified(verdict.accepted());
        }
        return length;
    }

    void requireDrawn(Status status) {
        if (status != Status.OK) {
            throw undecided("draft token " + drafted, status);
        }
    }

    void requireVerified(Status status) {
        if (status != Status.OK) {
            throw undecided("step", status);
        }
    }

    private CoolsdException undecided(String what, Status status) {
        return new CoolsdException("the " + what + " at position " + count + " cannot be decided: " + status);
    }

    /** Tells the listener what it has not heard yet. */
    void tell() {
        while (told < count) {
            listener.decided(told, tokens[told]);
            told++;
        }
    }

    void complete() {
        ticket.result().complete(new Result(tokens, forced, steps, drafts, accepted, drift, kept, logProb));
    }
}
