package org.coolsd;

import java.lang.ref.Reference;
import java.util.Arrays;
import java.util.Objects;
import org.bytedeco.javacpp.Pointer;
import org.coolsd.VerifierSpec.Report;
import org.coolsd.internal.NativeLibrary;
import org.coolsd.internal.binding.Native;
import org.jspecify.annotations.Nullable;

/**
 * One step of the sequences in the slots of a batch: drafts are begun, sampled token by token, and verified in one native
 * call, in memory that is allocated once and reused from step to step. Verification takes the normalisers that sampling
 * found, so that accepted draft rows are not read again; draft logits must stay as they were when their token was sampled.
 *
 * <p>The batch may be a continuous one. Slots that were not begun for a step are skipped; the first {@link #begin} after a
 * verification starts the next step, and until then the same step can be verified again. What is wrong with one sequence is
 * its {@link #status}, and leaves the others alone: a slot whose draft could not be sampled is neither sampled nor verified
 * any further in that step.
 *
 * <p>Belongs to the verifier that made it, shares its one thread at a time, and is freed with it or by {@link #close}.
 */
public final class Step implements AutoCloseable {
    private static final String NAME = "the step";
    /** Where a slot is in the last verification, unless it has a place there. */
    private static final int NO_PART = -1;

    /** Freed with it: what is reachable from here keeps the native half. */
    private final Verifier verifier;

    private final String device;
    private final NativeVerifier nativeVerifier;
    private final Guard guard;
    private final VerifierSpec spec;
    private final int batch;
    private final int stride;
    private final StepMemory memory;
    private @Nullable Pointer stream;
    private volatile boolean closed;

    // What the caller has said, by slot; native code sees a copy that is made within the call.
    private final boolean[] begun;
    private final long[] seeds;
    private final long[] positions;
    private final int[] lengths;
    private final int[] draftTokens;
    private final long[] normalisers;
    private final double[] draftLogProbs;
    /** Whether all of the draft was sampled here, so that its normalisers are known. */
    private final boolean[] sampledHere;

    private final Status[] drawStatus;
    /** Whether the caller has said anything of what follows, which begin forgets. */
    private final boolean[] special;

    private final @Nullable Sampling[] targetSamplings;
    private final @Nullable Sampling[] draftSamplings;
    private final float[] specFactors;
    /** Of the first positions, as many as were given. */
    private final float[] factors;

    private final int[] factorCounts;
    private final float[] budgets;
    private final int[] budgetCounts;
    private final @Nullable Logits[] targets;
    private final @Nullable Logits[] drafts;
    /** Whether the step that was begun last has been verified. */
    private boolean verified;

    // The call under way: its sequences, and what is held while it reads.
    private final int[] active;
    private final int[] rowOf;
    private final boolean[] named;
    private final @Nullable Guard[] held;
    private int heldCount;

    // The last verification, by slot.
    private final int[] placeOf;
    private final @Nullable Status[] verdictStatus;
    private final int[] verdictDrafted;
    private final int[] verdictLength;
    private final Verdict[] verdicts;

    Step(Verifier verifier, int batch) {
        if (batch < 1) {
            throw new IllegalArgumentException("batch is " + batch + ", it must be at least 1");
        }
        this.verifier = verifier;
        this.device = verifier.backend().name();
        this.nativeVerifier = verifier.nativeHalf();
        this.guard = verifier.guard();
        this.spec = verifier.spec();
        this.batch = batch;
        this.stride = spec.drafts().length();
        this.specFactors = spec.drafts().omega();
        memory = new StepMemory(spec, batch, nativeVerifier.onDevice());
        begun = new boolean[batch];
        seeds = new long[batch];
        positions = new long[batch];
        lengths = new int[batch];
        draftTokens = new int[batch * stride];
        normalisers = new long[batch * stride * StepMemory.NORMALISER_WORDS];
        draftLogProbs = new double[batch * stride];
        sampledHere = new boolean[batch];
        drawStatus = new Status[batch];
        Arrays.fill(drawStatus, Status.OK);
        special = new boolean[batch];
        targetSamplings = new Sampling[batch];
        draftSamplings = new Sampling[batch];
        factors = new float[batch * stride];
        factorCounts = new int[batch];
        budgets = new float[batch * stride];
        budgetCounts = new int[batch];
        targets = new Logits[batch];
        drafts = new Logits[batch];
        active = new int[batch];
        rowOf = new int[batch];
        named = new boolean[batch];
        held = new Guard[4 * batch];
        placeOf = new int[batch];
        Arrays.fill(placeOf, NO_PART);
        verdictStatus = new Status[batch];
        verdictDrafted = new int[batch];
        verdictLength = new int[batch];
        verdicts = new Verdict[batch];
        for (int slot = 0; slot < batch; slot++) {
            verdicts[slot] = new Verdict(this, slot);
        }
        guard.enter();
        try {
            nativeVerifier.register(memory.out);
        } finally {
            guard.exit();
        }
        if (nativeVerifier.onDevice()) {
            NativeVerifier from = nativeVerifier;
            NativeMemory given = memory.out;
            Guard.whenForgotten(this, () -> from.forget(given));
        }
    }

    /** Slots of this step. */
    public int batch() {
        requireOpen();
        return batch;
    }

    /**
     * Begins the step of the sequence in {@code slot}, with no draft tokens, and with the verifier's samplings, factors and
     * budget. The first one after a verification starts a new step, to which no other slot belongs yet.
     *
     * @param seed the request's seed
     * @param position absolute position of the first token of this step
     */
    public void begin(int slot, long seed, long position) {
        requireOpen();
        requireSlot(slot);
        beginOpen(slot, seed, position);
    }

    private void beginOpen(int slot, long seed, long position) {
        if (verified) {
            Arrays.fill(begun, false);
            verified = false;
        }
        begun[slot] = true;
        seeds[slot] = verifier.seedOfStep(seed, position);
        positions[slot] = position;
        lengths[slot] = 0;
        sampledHere[slot] = true;
        drawStatus[slot] = Status.OK;
        if (special[slot]) {
            special[slot] = false;
            targetSamplings[slot] = null;
            draftSamplings[slot] = null;
            factorCounts[slot] = 0;
            budgetCounts[slot] = 0;
            targets[slot] = null;
            drafts[slot] = null;
        }
    }

    /**
     * Takes the sequence in {@code slot} out of the step that is to be verified next, as if it had not been begun. Does nothing
     * if it was not.
     */
    public void drop(int slot) {
        requireOpen();
        requireSlot(slot);
        begun[slot] = false;
    }

    /**
     * Gives the sequence in {@code slot} samplings of its own for this step, before anything of it is sampled. One that does
     * not fit the vocabulary gives the status SAMPLING.
     */
    public void sampling(int slot, Sampling target, Sampling draft) {
        requireBegun(slot);
        special[slot] = true;
        targetSamplings[slot] = Objects.requireNonNull(target, "target");
        draftSamplings[slot] = Objects.requireNonNull(draft, "draft");
    }

    /**
     * Gives the sequence in {@code slot} factors of its own for this step, in the sense of the schedule: with a budget they
     * are limits.
     *
     * @param omega of the first positions; further ones keep the verifier's. One that is negative, NaN or infinite gives the
     *     status FACTOR
     */
    public void factors(int slot, float... omega) {
        requireBegun(slot);
        special[slot] = true;
        factorCounts[slot] = copy("omega", omega, factors, slot);
    }

    /**
     * Gives the sequence in {@code slot} drift budgets of its own for this step; they count with {@link Schedule#budget}.
     *
     * @param drift of the first positions likewise
     */
    public void budget(int slot, float... drift) {
        requireBegun(slot);
        special[slot] = true;
        budgetCounts[slot] = copy("drift", drift, budgets, slot);
    }

    private int copy(String name, float[] from, float[] to, int slot) {
        if (from.length > stride) {
            throw new IllegalArgumentException(
                    name + " has " + from.length + " values, the draft length is at most " + stride);
        }
        System.arraycopy(from, 0, to, slot * stride, from.length);
        return from.length;
    }

    /** Takes the first {@code length} of {@code tokens} as the draft of the sequence in {@code slot}, sampled elsewhere. */
    public void draft(int slot, int[] tokens, int length) {
        requireBegun(slot);
        draftBegun(slot, tokens, length);
    }

    private void draftBegun(int slot, int[] tokens, int length) {
        if (length < 0 || length > stride || length > tokens.length) {
            throw new IllegalArgumentException(
                    "length is " + length + ", the draft length is at most " + Math.min(stride, tokens.length));
        }
        System.arraycopy(tokens, 0, draftTokens, slot * stride, length);
        lengths[slot] = length;
        sampledHere[slot] = length == 0;
    }

    /** Where the target's logits of {@code slot} are, for {@link #verify()}: [n + 1, V] with n the tokens of its draft. */
    public void target(int slot, Logits logits) {
        requireBegun(slot);
        special[slot] = true;
        targets[slot] = Objects.requireNonNull(logits, "logits");
    }

    /** Where the draft's logits of {@code slot} are, for {@link #verify()}: [n, V]; not needed where n is 0. */
    public void draft(int slot, Logits logits) {
        requireBegun(slot);
        special[slot] = true;
        drafts[slot] = Objects.requireNonNull(logits, "logits");
    }

    /**
     * Samples one more draft token of every sequence that was begun and has had its token so far.
     *
     * @param logits [batch, 1, V]: what the drafter predicts behind the draft so far, by slot; those of other slots are not
     *     read
     * @return whether each of them got its token; {@link #status} says which did not, and why
     */
    public boolean sampleDraft(Logits logits) {
        guard.enter();
        try {
            requireNotClosed();
            require("logits", logits, batch, 1);
            int count = activateBegun();
            if (count > 0) {
                requireRoom(count);
                hold(logits);
                memory.sampled.batched(logits, active, count);
                sampleDrafts(count);
            }
            return allDrawn();
        } finally {
            leave();
            Reference.reachabilityFence(logits);
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Samples one more draft token of some sequences.
     *
     * @param slots the first {@code count} are sampled, each begun and named once; those with a status other than OK get no
     *     token
     * @param logits [count, 1, V], in the order of {@code slots}
     * @return whether each of them got its token
     */
    public boolean sampleDraft(int[] slots, int count, Logits logits) {
        guard.enter();
        try {
            requireNotClosed();
            int fit = activate(slots, count);
            if (count > 0) {
                require("logits", logits, count, 1);
            }
            if (fit > 0) {
                requireRoom(fit);
                hold(logits);
                memory.sampled.batched(logits, rowOf, fit);
                sampleDrafts(fit);
            }
            return allDrawn(slots, count);
        } finally {
            leave();
            Reference.reachabilityFence(logits);
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Samples one more draft token of some sequences, each from a row that may be anywhere.
     *
     * @param slots likewise
     * @param logits the first {@code count} are views [1, V] in the order of {@code slots}, all of one type
     * @return whether each of them got its token
     */
    public boolean sampleDraft(int[] slots, int count, Logits[] logits) {
        guard.enter();
        try {
            requireNotClosed();
            int fit = activate(slots, count);
            for (int k = 0; k < count; k++) {
                require("logits", logits[k], 1, 1);
            }
            if (fit > 0) {
                requireRoom(fit);
                for (int k = 0; k < fit; k++) {
                    hold(logits[rowOf[k]]);
                }
                memory.sampled.scattered(logits, rowOf, active, fit);
                sampleDrafts(fit);
            }
            return allDrawn(slots, count);
        } finally {
            leave();
            Reference.reachabilityFence(logits);
            Reference.reachabilityFence(this);
        }
    }

    /** Draws a token of each of the first {@code count} active slots. */
    private void sampleDrafts(int count) {
        for (int k = 0; k < count; k++) {
            int slot = active[k];
            memory.putKey(k, seeds[slot], positions[slot] + lengths[slot]);
        }
        memory.samplings.give(putDraftSamplings(count));
        callSample(count, Purpose.DRAFT);
        for (int k = 0; k < count; k++) {
            int slot = active[k];
            drawStatus[slot] = memory.status(k);
            if (drawStatus[slot] == Status.OK) {
                int at = slot * stride + lengths[slot];
                draftTokens[at] = memory.drawn(k);
                draftLogProbs[at] = memory.drawnLogProb(k);
                memory.getNormaliser(k, normalisers, at);
                lengths[slot]++;
            }
        }
    }

    /** Draft tokens of the sequence in {@code slot} so far. */
    public int draftLength(int slot) {
        requireBegun(slot);
        return lengths[slot];
    }

    /** Draft token {@code i} of the sequence in {@code slot}. */
    public int draftToken(int slot, int i) {
        return draftTokens[draftAt(slot, i)];
    }

    /**
     * Natural logarithm of the probability with which draft token {@code i} of {@code slot} was sampled by this step.
     *
     * @throws IllegalStateException if the specification does not ask for the report LOG_PROB, or the draft is not from here
     */
    public double draftLogProb(int slot, int i) {
        int at = draftAt(slot, i);
        requireReport(Report.LOG_PROB);
        requireSampledHere(slot);
        return draftLogProbs[at];
    }

    /** Largest probability of the law that the last draft token of {@code slot} was sampled from, by this step. */
    public double draftPeak(int slot) {
        requireBegun(slot);
        requireSampledHere(slot);
        int last = slot * stride + lengths[slot] - 1;
        return 1 / Double.longBitsToDouble(normalisers[StepMemory.NORMALISER_WORDS * last + StepMemory.MASS_WORD]);
    }

    private int draftAt(int slot, int i) {
        requireBegun(slot);
        if (i < 0 || i >= lengths[slot]) {
            throw new IndexOutOfBoundsException("i is " + i + ", the draft has " + lengths[slot] + " tokens");
        }
        return slot * stride + i;
    }

    private void requireSampledHere(int slot) {
        if (lengths[slot] == 0 || !sampledHere[slot]) {
            throw new IllegalStateException("this step has sampled no draft of slot " + slot);
        }
    }

    /**
     * Accepts a prefix of the draft of every sequence that was begun, and draws one token more.
     *
     * @param target logits [batch, n + 1, V] by slot, n the longest draft; row i is the target's law of token i. Rows of
     *     other slots and behind a shorter draft's are not read
     * @param draft logits [batch, n, V]; row i is what draft token i was sampled from; null if n is 0
     */
    public void verify(Logits target, @Nullable Logits draft) {
        guard.enter();
        try {
            requireNotClosed();
            verifyBatched(target, draft);
        } finally {
            leave();
            Reference.reachabilityFence(target);
            Reference.reachabilityFence(draft);
            Reference.reachabilityFence(this);
        }
    }

    private void verifyBatched(Logits target, @Nullable Logits draft) {
        int count = activateBegun();
        int longest = longest(count);
        require("target", target, batch, longest + 1);
        if (longest > 0) {
            require("draft", draft, batch, longest);
        }
        if (count > 0) {
            Logits drafted = longest > 0 && draft != null ? draft : target;
            hold(target);
            hold(drafted);
            memory.target.batched(target, active, count);
            memory.draft.batched(drafted, active, count);
            putSequences(count, longest);
            callVerify(count);
        }
        takeVerdicts(count);
    }

    /**
     * As above for logits that are where {@link #target(int, Logits)} and {@link #draft(int, Logits)} said, each slot's anywhere;
     * target and draft of one type and row stride each. Guided and unguided sequences may stand side by side.
     */
    public void verify() {
        guard.enter();
        try {
            requireNotClosed();
            int count = activateBegun();
            for (int k = 0; k < count; k++) {
                int slot = active[k];
                hold(requireOf("target", slot, targets[slot], lengths[slot] + 1));
                if (lengths[slot] > 0) {
                    hold(requireOf("draft", slot, drafts[slot], lengths[slot]));
                }
            }
            if (count > 0) {
                int longest = longest(count);
                memory.target.scattered(targets, active, active, count);
                memory.draft.scattered(longest > 0 ? drafts : targets, active, active, count);
                putSequences(count, longest);
                callVerify(count);
            }
            takeVerdicts(count);
        } finally {
            leave();
            Reference.reachabilityFence(this);
        }
    }

    /** One sequence from begin to verdict, in slot 0 of a step that is used in no other way. */
    Verdict verify(Logits target, @Nullable Logits draft, int[] tokens, long seed, long position) {
        guard.enter();
        try {
            int n = tokens.length;
            if (n > stride) {
                throw new IllegalArgumentException("length is " + n + ", the draft length is at most " + stride);
            }
            require("target", target, 1, n + 1);
            Logits drafted = n > 0 ? require("draft", draft, 1, n) : target;
            hold(target);
            hold(drafted);
            memory.target.only(target);
            memory.draft.only(drafted);
            memory.putKey(0, verifier.seedOfStep(seed, position), position);
            memory.putDraft(0, tokens, 0, n);
            callVerify(1);
            takeVerdict(0, 0, n);
        } finally {
            leave();
            Reference.reachabilityFence(target);
            Reference.reachabilityFence(draft);
            Reference.reachabilityFence(this);
        }
        return verdicts[0];
    }

    private int longest(int count) {
        int longest = 0;
        for (int k = 0; k < count; k++) {
            longest = Math.max(longest, lengths[active[k]]);
        }
        return longest;
    }

    /** Everything of the first {@code count} active slots but their logits. */
    private void putSequences(int count, int longest) {
        boolean allSampled = longest > 0;
        boolean anySpecial = false;
        for (int k = 0; k < count; k++) {
            int slot = active[k];
            memory.putKey(k, seeds[slot], positions[slot]);
            memory.putDraft(k, draftTokens, slot * stride, lengths[slot]);
            allSampled &= sampledHere[slot];
            anySpecial |= special[slot];
        }
        memory.normalisers.give(allSampled);
        if (allSampled) {
            for (int k = 0; k < count; k++) {
                memory.putNormalisers(k, normalisers, active[k] * stride, lengths[active[k]]);
            }
        }
        if (anySpecial || memory.special) {
            putSpecial(count);
            memory.special = anySpecial;
        }
    }

    /** Samplings, factors and budgets: each of all sequences as soon as one has its own. */
    private void putSpecial(int count) {
        boolean ownTarget = false;
        boolean ownFactors = false;
        boolean ownBudgets = false;
        for (int k = 0; k < count; k++) {
            int slot = active[k];
            ownTarget |= targetSamplings[slot] != null;
            ownFactors |= factorCounts[slot] > 0;
            ownBudgets |= budgetCounts[slot] > 0;
        }
        memory.targetSamplings.give(ownTarget);
        memory.draftSamplings.give(putDraftSamplings(count));
        memory.factors.give(ownFactors);
        memory.budgets.give(ownBudgets);
        float budget = spec.drafts().driftBudget();
        for (int k = 0; k < count; k++) {
            int slot = active[k];
            if (ownTarget) {
                Sampling own = targetSamplings[slot];
                memory.putTargetSampling(k, own == null ? spec.target() : own);
            }
            for (int i = 0; i < stride && ownFactors; i++) {
                memory.putFactor(k, i, i < factorCounts[slot] ? factors[slot * stride + i] : specFactors[i]);
            }
            for (int i = 0; i < stride && ownBudgets; i++) {
                memory.putBudget(k, i, i < budgetCounts[slot] ? budgets[slot * stride + i] : budget);
            }
        }
    }

    /** The draft's samplings of all sequences if one has its own; returns whether. */
    private boolean putDraftSamplings(int count) {
        boolean any = false;
        for (int k = 0; k < count; k++) {
            any |= draftSamplings[active[k]] != null;
        }
        for (int k = 0; k < count && any; k++) {
            Sampling own = draftSamplings[active[k]];
            memory.putDraftSampling(k, own == null ? spec.draft() : own);
        }
        return any;
    }

    private void callVerify(int count) {
        memory.verifyBatch(count);
        finish(Native.coolsd_verify(nativeVerifier.handle(), memory.verifyArgs));
    }

    private void callSample(int count, Purpose purpose) {
        memory.sampleBatch(count, purpose);
        finish(Native.coolsd_sample(nativeVerifier.handle(), memory.sampleArgs));
    }

    /** The host reads the results, and may free what a device read: it has finished, even where something failed. */
    private void finish(int status) {
        if (!nativeVerifier.onDevice()) {
            NativeLibrary.check(status);
            return;
        }
        try {
            NativeLibrary.check(status);
        } finally {
            int waited = Native.coolsd_synchronize(nativeVerifier.handle(), stream);
            if (status == Native.COOLSD_OK) {
                NativeLibrary.check(waited);
            }
        }
    }

    private void takeVerdicts(int count) {
        for (int slot = 0; slot < batch; slot++) {
            placeOf[slot] = NO_PART;
            verdictLength[slot] = 0;
            verdictStatus[slot] = begun[slot] ? drawStatus[slot] : null;
        }
        for (int k = 0; k < count; k++) {
            takeVerdict(active[k], k, lengths[active[k]]);
        }
        verified = true;
    }

    private void takeVerdict(int slot, int k, int drafted) {
        Status status = memory.status(k);
        placeOf[slot] = k;
        verdictDrafted[slot] = drafted;
        verdictStatus[slot] = status;
        verdictLength[slot] = status == Status.OK ? memory.accepted(k) + 1 : 0;
    }

    /**
     * What has become of the sequence in {@code slot} in this step: OK, what kept its draft from being sampled, or what the
     * verification found.
     */
    public Status status(int slot) {
        requireBegun(slot);
        Status found = verified ? verdictStatus[slot] : null;
        return found == null ? drawStatus[slot] : found;
    }

    /**
     * The outcome of {@code slot}; a view that the next verification overwrites.
     *
     * @throws IllegalStateException by its methods, if the slot took no part in the last verification
     */
    public Verdict verdict(int slot) {
        requireOpen();
        requireSlot(slot);
        return verdicts[slot];
    }

    Status verdictStatus(int slot) {
        requireOpen();
        Status status = verdictStatus[slot];
        if (status == null) {
            throw new IllegalStateException("slot " + slot + " took no part in the last verification");
        }
        return status;
    }

    int verdictLength(int slot) {
        requireOpen();
        if (verdictStatus[slot] == null) {
            throw new IllegalStateException("slot " + slot + " took no part in the last verification");
        }
        return verdictLength[slot];
    }

    private int place(int slot, int i) {
        int length = verdictLength(slot);
        if (i < 0 || i >= length) {
            throw new IndexOutOfBoundsException("i is " + i + ", the step has " + length + " tokens");
        }
        return placeOf[slot];
    }

    int verdictToken(int slot, int i) {
        return memory.token(place(slot, i), i);
    }

    double verdictDrift(int slot) {
        requireReport(Report.DRIFT);
        double sum = 0;
        int visited = Math.min(verdictLength(slot), stride);
        for (int i = 0; i < visited; i++) {
            sum += memory.drift(placeOf[slot], i);
        }
        return sum;
    }

    double verdictDrift(int slot, int i) {
        requireReport(Report.DRIFT);
        int k = place(slot, i);
        return i < stride ? memory.drift(k, i) : 0;
    }

    double verdictRatio(int slot, int i) {
        requireReport(Report.RATIO);
        return memory.ratio(place(slot, i), i);
    }

    double verdictLogProb(int slot, int i) {
        requireReport(Report.LOG_PROB);
        return memory.logProb(place(slot, i), i);
    }

    double verdictFactor(int slot, int i) {
        int k = place(slot, i);
        return i == verdictDrafted[slot] ? 1 : memory.usedFactor(k, i);
    }

    private void requireReport(Report report) {
        requireOpen();
        if (!spec.reports().contains(report)) {
            throw new IllegalStateException("the verifier's spec does not ask for the report " + report);
        }
    }

    /**
     * The CUDA stream in which this step's work is queued from now on: the one that computes the logits.
     *
     * @param handle a {@code cudaStream_t}; 0 is the default stream
     */
    public void stream(long handle) {
        guard.enter();
        try {
            requireNotClosed();
            stream = new NativeMemory.Address(handle);
            memory.stream(handle);
        } finally {
            guard.exit();
            Reference.reachabilityFence(this);
        }
    }

    /** One token from one row, outside any draft. */
    int sample(Logits logits, Purpose purpose, long seed, long position) {
        guard.enter();
        try {
            require("logits", logits, 1, 1);
            hold(logits);
            memory.sampled.only(logits);
            memory.putKey(0, seed, position);
            callSample(1, purpose);
            Status status = memory.status(0);
            if (status != Status.OK) {
                throw new CoolsdException("no token can be sampled at position " + position + ": status " + status);
            }
            return memory.drawn(0);
        } finally {
            leave();
            Reference.reachabilityFence(logits);
            Reference.reachabilityFence(this);
        }
    }

    double sampledLogProb() {
        requireReport(Report.LOG_PROB);
        return memory.drawnLogProb(0);
    }

    /** Makes the slots active that were begun and have had all their draft tokens; returns how many. */
    private int activateBegun() {
        int count = 0;
        for (int slot = 0; slot < batch; slot++) {
            if (begun[slot] && drawStatus[slot] == Status.OK) {
                active[count++] = slot;
            }
        }
        return count;
    }

    /** Makes those of {@code slots} active that have had all their draft tokens, with their places in it; returns how many. */
    private int activate(int[] slots, int count) {
        if (count < 0 || count > Math.min(slots.length, batch)) {
            throw new IllegalArgumentException(
                    "count is " + count + ", it must be 0.." + Math.min(slots.length, batch));
        }
        Arrays.fill(named, false);
        int fit = 0;
        for (int k = 0; k < count; k++) {
            int slot = slots[k];
            requireSlot(slot);
            if (!begun[slot]) {
                throw new IllegalStateException("slot " + slot + " was not begun for this step");
            }
            if (named[slot]) {
                throw new IllegalArgumentException("slot " + slot + " is named twice");
            }
            named[slot] = true;
            if (drawStatus[slot] == Status.OK) {
                active[fit] = slot;
                rowOf[fit++] = k;
            }
        }
        return fit;
    }

    private void requireRoom(int count) {
        for (int k = 0; k < count; k++) {
            if (lengths[active[k]] >= stride) {
                throw new IllegalStateException("slot " + active[k] + " has " + stride + " draft tokens already");
            }
        }
    }

    private boolean allDrawn() {
        for (int slot = 0; slot < batch; slot++) {
            if (begun[slot] && drawStatus[slot] != Status.OK) {
                return false;
            }
        }
        return true;
    }

    private boolean allDrawn(int[] slots, int count) {
        for (int k = 0; k < count; k++) {
            if (drawStatus[slots[k]] != Status.OK) {
                return false;
            }
        }
        return true;
    }

    /** Keeps memory that can be closed open until {@link #leave}. */
    private void hold(Logits logits) {
        hold(logits.guard());
        if (logits.unconditional() != null) {
            hold(logits.unconditional().guard());
        }
    }

    private void hold(@Nullable Guard memoryGuard) {
        if (memoryGuard != null) {
            memoryGuard.share();
            held[heldCount++] = memoryGuard;
        }
    }

    private void leave() {
        while (heldCount > 0) {
            Guard.unshare(held[--heldCount]);
            held[heldCount] = null;
        }
        guard.exit();
    }

    private void requireSlot(int slot) {
        if (slot < 0 || slot >= batch) {
            throw new IndexOutOfBoundsException("slot is " + slot + ", the step has " + batch + " slots");
        }
    }

    private void requireBegun(int slot) {
        requireOpen();
        requireSlot(slot);
        if (!begun[slot]) {
            throw new IllegalStateException("slot " + slot + " was not begun for this step");
        }
    }

    /** Outside a call. */
    private void requireOpen() {
        requireNotClosed();
        guard.require();
    }

    /** Within a call, when the verifier is open. */
    private void requireNotClosed() {
        if (closed) {
            throw new IllegalStateException(NAME + " is closed");
        }
    }

    /** As {@link #require}, with a name that is made only for a refusal: a step allocates nothing. */
    private Logits requireOf(String what, int slot, @Nullable Logits logits, int rows) {
        boolean fits = logits != null
                && logits.batch() == 1
                && logits.rows() >= rows
                && logits.vocab() == spec.vocab()
                && !(nativeVerifier.onDevice() && logits.isHost());
        return fits ? logits : require(what + " of slot " + slot, logits, 1, rows);
    }

    private Logits require(String name, @Nullable Logits logits, int sequences, int rows) {
        if (logits == null) {
            throw new IllegalArgumentException(name + " is null");
        }
        if (nativeVerifier.onDevice() && logits.isHost()) {
            throw new IllegalArgumentException(
                    name + " is in host memory, " + device + " needs a view of device memory");
        }
        if (logits.batch() != sequences || logits.rows() < rows || logits.vocab() != spec.vocab()) {
            String wanted = (sequences == 1 ? "[" : "[" + sequences + ", ") + rows + ", " + spec.vocab() + "]";
            throw new IllegalArgumentException(name + " is " + logits.shape() + ", it must be " + wanted);
        }
        return logits;
    }

    /**
     * Frees what this step has of the verifier's device; does nothing the second time, or after the verifier was closed.
     *
     * @throws IllegalStateException if a call is under way
     */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        if (!guard.tryEnter()) {
            if (guard.isClosed()) {
                return;
            }
            throw new IllegalStateException(Guard.closedWhileInUse(NAME));
        }
        try {
            closed = true;
            nativeVerifier.unregister(memory.out);
        } finally {
            guard.exit();
            Reference.reachabilityFence(this);
        }
    }
}
