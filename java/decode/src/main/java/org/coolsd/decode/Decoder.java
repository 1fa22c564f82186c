package org.coolsd.decode;

import java.lang.ref.Reference;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Consumer;
import org.coolsd.CoolsdException;
import org.coolsd.Guard;
import org.coolsd.Logits;
import org.coolsd.Sampling;
import org.coolsd.Status;
import org.coolsd.Step;
import org.coolsd.Verdict;

/**
 * Decodes a continuous batch: requests enter as slots become free, and leave when they are complete. Each step drafts for all
 * of them, has the target score the drafts in one pass, and verifies them in one call.
 *
 * <p>Requests come from any thread, steps from one at a time. What goes wrong with a request (its condition, a listener that
 * throws, NaN in its logits) ends that request and no other; only a pass that fails ends all that were in it. Tokens depend on
 * the request and the options, not on the batch.
 *
 * @param <C> what a sequence is made from
 */
public final class Decoder<C> implements AutoCloseable {
    private final DecoderOptions options;
    private final Parts<C> parts;
    private final TargetSession<C> target;
    private final DraftSession<C> drafts;
    private final Step step;
    private final Runs runs;
    private final Guard guard;

    /** Of the step under way: slots that draw a draft token, and from what. */
    private final int[] drawn;

    private final Logits[] rows;

    private final Queue<Sequence<C>> waiting = new ConcurrentLinkedQueue<>();
    private final List<Sequence<C>> active = new ArrayList<>();
    private final Deque<Integer> free = new ArrayDeque<>();

    private Decoder(TargetModel<C> model, Drafter<C> drafter, DecoderOptions options) {
        this.options = options;
        parts = Parts.open(model, drafter, options);
        target = parts.target();
        drafts = parts.drafts();
        step = parts.verifier().step(options.slots());
        runs = new Runs(options.slots(), options.draftLength());
        drawn = new int[options.slots()];
        rows = new Logits[options.slots()];
        for (int slot = 0; slot < options.slots(); slot++) {
            free.add(slot);
        }
        guard = new Guard(this, "the decoder", parts);
    }

    /**
     * Opens a decoder, with a session of the model and one of the drafter.
     *
     * @throws IllegalArgumentException if the options, the model and the drafter do not go together
     */
    public static <C> Decoder<C> open(TargetModel<C> model, Drafter<C> drafter, DecoderOptions options) {
        return new Decoder<>(model, drafter, options);
    }

    /** Lets a request wait for a free slot, and tells nobody of its tokens. */
    public Ticket submit(Request<C> request) {
        return submit(request, Listener.NONE);
    }

    /**
     * Lets a request wait for a free slot. From any thread.
     *
     * @param listener hears of its tokens on the thread that calls {@link #step}
     * @throws IllegalStateException if the decoder is closed
     */
    public Ticket submit(Request<C> request, Listener listener) {
        Sequence<C> sequence = new Sequence<>(request, listener, options);
        requireOpen();
        waiting.add(sequence);
        if (guard.isClosed()) {
            refuseWaiting();
        }
        return sequence.ticket;
    }

    /** Decodes these requests, beside what else is in the batch; returns their results in the same order. */
    public List<Result> decode(List<Request<C>> requests) {
        List<Ticket> tickets = requests.stream().map(this::submit).toList();
        for (Ticket ticket : tickets) {
            while (!ticket.result().isDone()) {
                step();
            }
        }
        return tickets.stream().map(ticket -> ticket.result().join()).toList();
    }

    /**
     * One step of every request in the batch, after waiting ones have taken the free slots. One thread at a time.
     *
     * @return whether there is anything left to do
     * @throws IllegalStateException if the decoder is closed, or another step is under way
     */
    public boolean step() {
        guard.enter();
        try {
            admit();
            each(this::begin);
            draft();
            score();
            verify();
            each(this::settle);
            return !active.isEmpty() || !waiting.isEmpty();
        } finally {
            guard.exit();
            Reference.reachabilityFence(this);
        }
    }

    private void admit() {
        while (!free.isEmpty() && !waiting.isEmpty()) {
            Sequence<C> sequence = waiting.remove();
            sequence.slot = free.remove();
            active.add(sequence);
            attempt(sequence, () -> {
                if (!sequence.ticket.isOver()) {
                    target.begin(sequence.slot, sequence.request.condition());
                    drafts.begin(sequence.slot, sequence.request);
                    sequence.begin();
                }
            });
        }
    }

    /** Takes the tokens that are forced here, and begins a step over positions that allow the same tokens. */
    private void begin(Sequence<C> sequence) {
        int slot = sequence.slot;
        if (sequence.ticket.isOver()) {
            throw new CancellationException("the request was cancelled after " + sequence.count + " tokens");
        }
        Window window = target.allowed(slot, sequence.count);
        while (window.isForced()) {
            sequence.force(window.from());
            target.commit(slot, new int[] {window.from()}, 1, 0);
            drafts.forced(slot, sequence.count - 1, window.from());
            sequence.tell();
            if (sequence.isComplete()) {
                leave(sequence);
                sequence.complete();
                return;
            }
            window = target.allowed(slot, sequence.count);
        }
        int most = Math.min(options.draftLength(), sequence.request.length() - sequence.count - 1);
        int alike = 0;
        while (alike < most && target.allowed(slot, sequence.count + alike + 1).equals(window)) {
            alike++;
        }
        Sampling draftSampling = window.cut(sequence.request.draft());
        step.begin(slot, sequence.request.seed(), sequence.count);
        step.sampling(slot, window.cut(sequence.request.target()), draftSampling);
        sequence.beginStep(alike);
        float[] budgets = sequence.budgets();
        if (budgets != null) {
            step.budget(slot, budgets);
        }
        drafts.step(slot, sequence.count, draftSampling);
    }

    /** Drafts token after token, those of all sequences that go on in one pass. */
    private void draft() {
        for (List<Sequence<C>> going = drafting(); !going.isEmpty(); going = drafting()) {
            int[] slots = going.stream().mapToInt(sequence -> sequence.slot).toArray();
            pass(going, () -> drafts.propose(slots, slots.length));
            List<Sequence<C>> drawing = new ArrayList<>();
            for (Sequence<C> sequence : going) {
                attempt(sequence, () -> propose(sequence, drawing));
            }
            pass(drawing, () -> step.sampleDraft(drawn, drawing.size(), rows));
            for (Sequence<C> sequence : drawing) {
                attempt(sequence, () -> take(sequence));
            }
        }
    }

    private List<Sequence<C>> drafting() {
        return active.stream().filter(sequence -> sequence.drafting).toList();
    }

    private void propose(Sequence<C> sequence, List<Sequence<C>> drawing) {
        int slot = sequence.slot;
        Logits row = drafts.row(slot);
        int token = row == null ? DraftSession.DRAW : drafts.token(slot);
        if (row == null) {
            sequence.drafting = false;
        } else if (token == DraftSession.DRAW) {
            drawn[drawing.size()] = slot;
            rows[drawing.size()] = row;
            drawing.add(sequence);
        } else {
            sequence.drawnByStep = false;
            drafts.drawn(slot, token);
            sequence.drawn(token, 1);
            step.draft(slot, sequence.draft, sequence.drafted);
        }
    }

    private void take(Sequence<C> sequence) {
        int slot = sequence.slot;
        requireOk(sequence, step.status(slot), "draft");
        int token = step.draftToken(slot, sequence.drafted);
        drafts.drawn(slot, token);
        sequence.drawn(token, sequence.drawnByStep ? step.draftPeak(slot) : 1);
    }

    private void score() {
        runs.clear();
        for (Sequence<C> sequence : active) {
            System.arraycopy(sequence.draft, 0, runs.add(sequence.slot, sequence.drafted), 0, sequence.drafted);
        }
        pass(List.copyOf(active), () -> target.score(runs));
    }

    private void verify() {
        each(sequence -> {
            step.target(sequence.slot, target.logits(sequence.slot));
            if (sequence.drafted > 0) {
                step.draft(sequence.slot, drafts.rows(sequence.slot));
            }
        });
        pass(List.copyOf(active), step::verify);
    }

    /** Takes what the step yields. */
    private void settle(Sequence<C> sequence) {
        int slot = sequence.slot;
        Verdict verdict = step.verdict(slot);
        requireOk(sequence, verdict.status(), "step");
        int accepted = verdict.accepted();
        int length = sequence.take(verdict, options.reportsDrift());
        drafts.decided(slot, sequence.yielded, length, accepted);
        target.commit(slot, sequence.yielded, length, accepted);
        sequence.tell();
        if (sequence.isComplete()) {
            leave(sequence);
            sequence.complete();
        }
    }

    private static void requireOk(Sequence<?> sequence, Status status, String what) {
        if (status != Status.OK) {
            throw new CoolsdException(
                    "the " + what + " at position " + sequence.count + " cannot be decided: " + status);
        }
    }

    private void each(Consumer<Sequence<C>> action) {
        for (Sequence<C> sequence : List.copyOf(active)) {
            attempt(sequence, () -> action.accept(sequence));
        }
    }

    /** What goes wrong ends this request only. */
    private void attempt(Sequence<C> sequence, Runnable action) {
        if (!active.contains(sequence)) {
            return;
        }
        try {
            action.run();
        } catch (RuntimeException | Error e) {
            fail(sequence, e);
        }
    }

    /** What goes wrong ends all of these requests. */
    private void pass(List<Sequence<C>> sequences, Runnable action) {
        if (sequences.isEmpty()) {
            return;
        }
        try {
            action.run();
        } catch (RuntimeException | Error e) {
            sequences.forEach(sequence -> fail(sequence, e));
        }
    }

    private void fail(Sequence<C> sequence, Throwable why) {
        try {
            leave(sequence);
        } catch (RuntimeException | Error e) {
            why.addSuppressed(e);
        }
        sequence.ticket.result().completeExceptionally(why);
    }

    /** Frees the slot, whatever the sessions say to it. */
    private void leave(Sequence<C> sequence) {
        if (!active.remove(sequence)) {
            return;
        }
        free.add(sequence.slot);
        sequence.drafting = false;
        step.drop(sequence.slot);
        try {
            drafts.end(sequence.slot);
        } finally {
            target.end(sequence.slot);
        }
    }

    private void requireOpen() {
        if (guard.isClosed()) {
            throw new IllegalStateException("the decoder is closed");
        }
    }

    private void refuseWaiting() {
        for (Sequence<C> left = waiting.poll(); left != null; left = waiting.poll()) {
            left.ticket.result().completeExceptionally(new IllegalStateException("the decoder is closed"));
        }
    }

    /**
     * Ends what is left, and closes the sessions of target and drafter.
     *
     * @throws IllegalStateException if a step is under way
     */
    @Override
    public void close() {
        if (guard.close()) {
            active.forEach(sequence ->
                    sequence.ticket.result().completeExceptionally(new IllegalStateException("the decoder is closed")));
            refuseWaiting();
        }
    }
}
