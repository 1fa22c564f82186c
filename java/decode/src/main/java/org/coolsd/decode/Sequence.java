package org.coolsd.decode;

import java.util.Arrays;
import java.util.Objects;
import java.util.Set;
import org.coolsd.CoolsdException;
import org.coolsd.Schedule;
import org.coolsd.Status;
import org.coolsd.Step;
import org.coolsd.Verdict;
import org.coolsd.VerifierSpec;
import org.jspecify.annotations.Nullable;

/** A request, what has been decided of it, and its step under way. */
final class Sequence<C> {
    final Request<C> request;
    final DecoderOptions options;
    /** Whether these options are the request's, and not those of the decoder. */
    final boolean ownWay;

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
    private double stepDrift;
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
    private final Set<VerifierSpec.Report> reports;
    private final float @Nullable [] omega;
    private final float @Nullable [] evenBudgets;
    private @Nullable Rule<C> rule;
    private DraftPolicy.@Nullable Decisions decisions;
    private FactorPolicy.@Nullable Budgets budgets;

    Sequence(Request<C> request, Listener listener, DecoderOptions options, boolean ownWay) {
        this.request = request;
        this.options = options;
        this.ownWay = ownWay;
        this.listener = listener;
        tokens = new int[request.length()];
        draft = new int[options.draftLength()];
        yielded = new int[options.draftLength() + 1];
        policy = options.drafts();
        factors = options.factors();
        reports = options.verdictReports();
        Schedule.Drafts own = ownWay ? factors.schedule().draftLength(draft.length) : null;
        omega = own == null ? null : own.omega();
        evenBudgets = own != null && own.factors() == Schedule.Factors.BUDGET ? new float[draft.length] : null;
        if (own != null && evenBudgets != null) {
            Arrays.fill(evenBudgets, own.driftBudget());
        }
    }

    /** How it is decided, once it is in the batch. */
    Rule<C> rule() {
        return Objects.requireNonNull(rule);
    }

    void rule(Rule<C> shared) {
        rule = shared;
    }

    /** The policies' and the listener's turn, when the request enters the batch. */
    void begin() {
        decisions = policy.begin();
        budgets = factors.perStep() ? factors.begin(request.length()) : null;
        listener.begun();
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

    /** Says the factors and budgets of a step that has begun, where they are not the verifier's own. */
    void relax(Step step) {
        float[] placed = factors.factors(count, draft.length);
        if (placed.length > 0) {
            step.factors(slot, placed);
        } else if (omega != null) {
            step.factors(slot, omega);
        }
        float[] limits = budgets();
        if (limits != null) {
            step.budget(slot, limits);
        }
    }

    /** The drift budgets of the step's draft positions, or null if they are the verifier's. */
    private float @Nullable [] budgets() {
        if (budgets == null) {
            return evenBudgets;
        }
        double wanted = budgets.perPosition(tokens.length - count, drift);
        float atMost = (float) wanted;
        float[] all = new float[limit];
        Arrays.fill(all, atMost > wanted ? Math.nextDown(atMost) : atMost);
        return all;
    }

    /** Takes a token that is forced, as all that this position yields. */
    void force(int token) {
        yielded[0] = token;
        tokens[count++] = token;
        forced++;
    }

    /** Takes what a verdict yields; returns how many tokens. */
    int take(Verdict verdict) {
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
        stepDrift = reports.contains(VerifierSpec.Report.DRIFT) ? verdict.drift() : 0;
        drift += stepDrift;
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

    /** Tells the listener of the step that yielded the last {@code length} tokens. */
    void tellStep(int length, int accepted) {
        listener.verified(count - length, draft, drafted, accepted, stepDrift);
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
