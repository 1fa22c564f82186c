package org.coolsd.decode;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import java.util.function.Predicate;

/**
 * The sequences of a continuous batch: those that wait, which any thread may add, and those that have a slot. What goes wrong
 * with one ends that one.
 */
final class Batch<C> {
    private final Queue<Sequence<C>> waiting = new ConcurrentLinkedQueue<>();
    private final List<Sequence<C>> active = new ArrayList<>();
    /** What {@link #active()} returns, filled anew each time: a step allocates nothing. */
    private final List<Sequence<C>> snapshot = new ArrayList<>();

    private final Deque<Integer> free = new ArrayDeque<>();
    private final IntConsumer left;
    private final Predicate<Sequence<C>> dismiss = this::dismiss;
    private volatile boolean closed;

    /** @param left hears of each slot that becomes free */
    Batch(int slots, IntConsumer left) {
        this.left = left;
        for (int slot = 0; slot < slots; slot++) {
            free.add(slot);
        }
    }

    /**
     * Lets a sequence wait for a slot.
     *
     * @throws IllegalStateException if the batch is closed
     */
    void await(Sequence<C> sequence) {
        if (closed) {
            throw refusal();
        }
        waiting.add(sequence);
        if (closed) {
            refuseWaiting();
        }
    }

    /** Gives the free slots to sequences that wait, and lets each begin. Those that were cancelled wait no longer. */
    void admit(Consumer<Sequence<C>> begin) {
        if (!waiting.isEmpty()) {
            waiting.removeIf(dismiss);
        }
        while (!free.isEmpty() && !waiting.isEmpty()) {
            Sequence<C> sequence = waiting.remove();
            sequence.slot = free.remove();
            active.add(sequence);
            attempt(sequence, begin);
        }
    }

    private boolean dismiss(Sequence<C> sequence) {
        boolean over = sequence.ticket.isOver();
        if (over) {
            sequence.ticket
                    .result()
                    .completeExceptionally(new CancellationException("the request was cancelled while it waited"));
        }
        return over;
    }

    /** Whether nothing runs or waits. */
    boolean isEmpty() {
        return active.isEmpty() && waiting.isEmpty();
    }

    /** Sequences with a slot; a copy, so that they may leave meanwhile, until the next call of this or of {@link #each}. */
    List<Sequence<C>> active() {
        snapshot.clear();
        for (int i = 0; i < active.size(); i++) {
            snapshot.add(active.get(i));
        }
        return snapshot;
    }

    void each(Consumer<Sequence<C>> action) {
        each(active(), action);
    }

    void each(List<Sequence<C>> sequences, Consumer<Sequence<C>> action) {
        for (int i = 0; i < sequences.size(); i++) {
            attempt(sequences.get(i), action);
        }
    }

    /** What goes wrong ends this sequence only. Does nothing with one that has left. */
    private void attempt(Sequence<C> sequence, Consumer<Sequence<C>> action) {
        if (!active.contains(sequence)) {
            return;
        }
        try {
            action.accept(sequence);
        } catch (RuntimeException | Error e) {
            fail(sequence, e);
        }
    }

    /** What goes wrong ends all of these. Does nothing if there are none. */
    void together(List<Sequence<C>> sequences, Runnable pass) {
        if (sequences.isEmpty()) {
            return;
        }
        try {
            pass.run();
        } catch (RuntimeException | Error e) {
            sequences.forEach(sequence -> fail(sequence, e));
        }
    }

    /** The sequence has all of its tokens. */
    void complete(Sequence<C> sequence) {
        leave(sequence);
        sequence.complete();
    }

    private void fail(Sequence<C> sequence, Throwable why) {
        try {
            leave(sequence);
        } catch (RuntimeException | Error e) {
            if (e != why) {
                why.addSuppressed(e);
            }
        }
        sequence.ticket.result().completeExceptionally(why);
    }

    private void leave(Sequence<C> sequence) {
        if (active.remove(sequence)) {
            free.add(sequence.slot);
            left.accept(sequence.slot);
        }
    }

    /** Ends all that run or wait, and tells nobody of their slots. */
    void close() {
        closed = true;
        active.forEach(sequence -> sequence.ticket.result().completeExceptionally(refusal()));
        active.clear();
        refuseWaiting();
    }

    private void refuseWaiting() {
        for (Sequence<C> next = waiting.poll(); next != null; next = waiting.poll()) {
            next.ticket.result().completeExceptionally(refusal());
        }
    }

    private static IllegalStateException refusal() {
        return new IllegalStateException("the decoder is closed");
    }
}
