package org.coolsd.libtorch;

import java.util.concurrent.locks.LockSupport;
import java.util.function.IntConsumer;

/**
 * A fixed number of threads that do one task side by side, the caller being the first of them. Tasks come every few
 * hundred microseconds, so a worker spins for a while before it sleeps.
 */
public final class Workers implements AutoCloseable {
    private static final long SPIN_NANOS = 200_000;
    private final Thread[] workers;
    private volatile IntConsumer task;
    private volatile int round;
    private volatile boolean closed;
    private final Outcome[] outcomes;

    /** What became of a worker's last task. */
    private static final class Outcome {
        private volatile int round;
        private Throwable failure;
    }

    /** @param size threads, the caller's included */
    public Workers(int size) {
        workers = new Thread[size - 1];
        outcomes = new Outcome[size - 1];
        for (int i = 0; i < workers.length; i++) {
            int worker = i;
            outcomes[i] = new Outcome();
            workers[i] = new Thread(() -> work(worker), "coolsd-decoder-" + (i + 1));
            workers[i].setDaemon(true);
            workers[i].start();
        }
    }

    /** Threads, the caller's included. */
    public int size() {
        return workers.length + 1;
    }

    /** Runs {@code work(0)} here and {@code work(i)} in the other threads, and returns when all are done. */
    public void run(IntConsumer work) {
        int mine = round + 1;
        task = work;
        round = mine;
        for (Thread worker : workers) {
            LockSupport.unpark(worker);
        }
        Throwable failure = null;
        try {
            work.accept(0);
        } catch (RuntimeException | Error e) {
            failure = e;
        }
        for (Outcome outcome : outcomes) {
            long since = System.nanoTime();
            while (outcome.round != mine) {
                if (System.nanoTime() - since > SPIN_NANOS) {
                    // The core may be the one that the worker waits for.
                    Thread.yield();
                } else {
                    Thread.onSpinWait();
                }
            }
            if (failure == null) {
                failure = outcome.failure;
            }
        }
        if (failure instanceof RuntimeException e) {
            throw e;
        }
        if (failure instanceof Error e) {
            throw e;
        }
    }

    private void work(int worker) {
        Outcome outcome = outcomes[worker];
        int seen = 0;
        while (true) {
            long since = System.nanoTime();
            while (round == seen && !closed) {
                if (System.nanoTime() - since > SPIN_NANOS) {
                    LockSupport.park(this);
                } else {
                    Thread.onSpinWait();
                }
            }
            if (closed) {
                return;
            }
            seen = round;
            try {
                task.accept(worker + 1);
                outcome.failure = null;
            } catch (RuntimeException | Error e) {
                outcome.failure = e;
            }
            outcome.round = seen;
        }
    }

    @Override
    public void close() {
        closed = true;
        for (Thread worker : workers) {
            LockSupport.unpark(worker);
            try {
                worker.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
