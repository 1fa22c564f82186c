package org.coolsd.decode;

import java.lang.ref.Reference;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.function.Consumer;
import org.coolsd.Guard;
import org.coolsd.Sampling;
import org.coolsd.Step;
import org.coolsd.Verdict;

/**
 * Decodes a continuous batch: requests enter as slots become free, and leave when they are complete. Each step drafts for all
 * of them, has the target score the drafts in one pass, and verifies them in one call; in one for each rule, where
 * requests bring rules of their own.
 *
 * <p>Requests come from any thread, steps from one at a time. What goes wrong with a request (its condition, a listener that
 * throws, NaN in its logits) ends that request and no other; only a pass that fails ends all that were in it. Tokens depend on
 * the request and the options, not on the batch.
 *
 * @param <C> what a sequence is made from
 */
public final class Decoder<C> implements AutoCloseable {
    private final DecoderOptions options;
    private final TargetSession<C> target;
    private final DraftSession<C> drafts;
    private final Rules<C> rules;
    private final Batch<C> batch;
    private final Drafting<C> drafting;
    private final Checking<C> checking;
    private final Guard guard;

    // Made once: a step allocates nothing.
    private final Consumer<Sequence<C>> enter = this::enter;
    private final Consumer<Sequence<C>> begin = this::begin;
    private final Consumer<Sequence<C>> settle = this::settle;

    /**
     * Opens a decoder, with a session of the model and one of the drafter.
     *
     * @throws IllegalArgumentException if the options, the model and the drafter do not go together
     */
    public Decoder(TargetModel<C> model, Drafter<C> drafter, DecoderOptions options) {
        this.options = options;
        Parts<C> parts = Parts.open(model, drafter, options);
        target = parts.target();
        drafts = parts.drafts();
        rules = parts.rules();
        batch = new Batch<>(options.slots(), parts::end);
        drafting = new Drafting<>(drafts, rules, batch, options.slots());
        checking = new Checking<>(target, drafts, rules, batch, options);
        guard = new Guard(this, "the decoder", parts);
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
        return await(new Sequence<>(request, listener, options, false));
    }

    /**
     * As {@link #submit(Request, Listener)}, for a request that is decided in a way of its own: requests with different ways
     * share the batch, and each has the tokens that it has in a decoder of these options.
     *
     * @param own its draft length, at most the decoder's, its policies, its rule, and whether its result tells its drift; slots
     *     and backend are the decoder's
     * @throws IllegalArgumentException if the draft length is above the decoder's, or the schedule does not go with it
     */
    public Ticket submit(Request<C> request, DecoderOptions own, Listener listener) {
        if (own.draftLength() > options.draftLength()) {
            throw new IllegalArgumentException("draftLength is " + own.draftLength() + ", the decoder's is "
                    + options.draftLength() + ": ask for no more, or open it with more");
        }
        return await(new Sequence<>(request, listener, own, true));
    }

    private Ticket await(Sequence<C> sequence) {
        batch.await(sequence);
        return sequence.ticket;
    }

    /**
     * Decodes these requests, beside what else is in the batch; returns their results in the same order.
     *
     * @throws java.util.concurrent.CompletionException with what ended the first one that was not completed
     */
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
            rules.follow(target.stream());
            batch.admit(enter);
            batch.each(begin);
            drafting.draft();
            checking.check();
            batch.each(settle);
            return !batch.isEmpty();
        } finally {
            guard.exit();
            Reference.reachabilityFence(this);
        }
    }

    private void enter(Sequence<C> sequence) {
        if (!sequence.ticket.isOver()) {
            if (sequence.options.draftLength() > 0) {
                drafts.require(sequence.options.acceptance());
            }
            sequence.rule(sequence.ownWay ? rules.of(sequence.options) : rules.own());
            target.begin(sequence.slot, sequence.request.condition());
            drafts.begin(sequence.slot, sequence.request);
            sequence.begin();
        }
    }

    /** Takes the tokens that are forced here, and begins a step over positions that allow the same tokens. */
    private void begin(Sequence<C> sequence) {
        if (sequence.ticket.isOver()) {
            throw new CancellationException("the request was cancelled after " + sequence.count + " tokens");
        }
        int slot = sequence.slot;
        Window window = target.allowed(slot, sequence.count);
        while (window.isForced()) {
            force(sequence, window.from());
            if (sequence.isComplete()) {
                batch.complete(sequence);
                return;
            }
            window = target.allowed(slot, sequence.count);
        }
        Sampling draftSampling = window.cut(sequence.request.draft());
        Step step = sequence.rule().step;
        step.begin(slot, sequence.request.seed(), sequence.count);
        step.sampling(slot, window.cut(sequence.request.target()), draftSampling);
        sequence.beginStep(reach(sequence, window));
        sequence.relax(step);
        drafts.step(slot, sequence.count, draftSampling);
    }

    private void force(Sequence<C> sequence, int token) {
        sequence.force(token);
        target.commit(sequence.slot, sequence.yielded, 1, 0);
        drafts.forced(sequence.slot, sequence.count - 1, token);
        sequence.tell();
    }

    /** How many tokens a step may draft: it has one sampling, and it always draws one token more. */
    private int reach(Sequence<C> sequence, Window window) {
        int most = Math.min(sequence.options.draftLength(), sequence.request.length() - sequence.count - 1);
        int reach = 0;
        while (reach < most
                && target.allowed(sequence.slot, sequence.count + reach + 1).equals(window)) {
            reach++;
        }
        return reach;
    }

    /** Takes what the step yields. */
    private void settle(Sequence<C> sequence) {
        int slot = sequence.slot;
        Verdict verdict = sequence.rule().step.verdict(slot);
        sequence.requireVerified(verdict.status());
        int accepted = verdict.accepted();
        int length = sequence.take(verdict);
        drafts.decided(slot, sequence.yielded, length, accepted);
        target.commit(slot, sequence.yielded, length, accepted);
        sequence.tellStep(length, accepted);
        sequence.tell();
        if (sequence.isComplete()) {
            batch.complete(sequence);
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
            batch.close();
        }
    }
}
