package org.coolsd;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.lang.ref.Cleaner;
import org.jspecify.annotations.Nullable;

/**
 * What every object that owns native memory is guarded with: open, in use or closed, in one word that is changed by
 * compare-and-set. It costs a few nanoseconds and allocates nothing after it was made.
 *
 * <p>An owner wraps each native call in {@link #enter} and, in a finally block, {@link #exit}; it keeps itself and what the
 * call reads reachable with {@link java.lang.ref.Reference#reachabilityFence} in that same block. Then memory is freed
 * exactly once: by {@link #close}, which refuses while a call is under way, or after the owner was forgotten.
 */
public final class Guard {
    private static final Cleaner CLEANER = Cleaner.create();

    private static final int CLOSED = -1;
    private static final int OPEN = 0;
    /** One thread alone is inside; positive numbers below it count those who share. */
    private static final int ALONE = Integer.MAX_VALUE;

    private static final VarHandle STATE;

    static {
        try {
            STATE = MethodHandles.lookup().findVarHandle(Guard.class, "state", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final String name;
    private final Cleaner.Cleanable memory;
    private volatile int state = OPEN;

    /**
     * @param owner what is guarded; freed after it has become unreachable, if nobody closed it
     * @param name what it is called in messages, such as "the verifier"
     * @param free frees the native memory, once; it must not refer to the owner, and must not throw
     */
    public Guard(Object owner, String name, Runnable free) {
        this.name = name;
        this.memory = CLEANER.register(owner, free);
    }

    /** Runs {@code action} after {@code owner} has become unreachable. */
    static void whenForgotten(Object owner, Runnable action) {
        CLEANER.register(owner, action);
    }

    /**
     * Begins a call that must be alone in the object.
     *
     * @throws IllegalStateException if the object is closed, or in use by another call
     */
    public void enter() {
        if (!STATE.compareAndSet(this, OPEN, ALONE)) {
            throw refusal();
        }
    }

    /** Ends the call that {@link #enter} began. */
    public void exit() {
        STATE.setRelease(this, OPEN);
    }

    /**
     * Begins a call that others of its kind may share the object with, such as reading.
     *
     * @throws IllegalStateException if the object is closed, or in use by a call that must be alone
     */
    public void share() {
        int now;
        do {
            now = state;
            if (now == CLOSED || now == ALONE) {
                throw refusal();
            }
        } while (!STATE.compareAndSet(this, now, now + 1));
    }

    /** Ends the call that {@link #share} began. */
    public void unshare() {
        STATE.getAndAdd(this, -1);
    }

    /**
     * For methods that call nothing native.
     *
     * @throws IllegalStateException if the object is closed, or a call that must be alone is under way
     */
    public void require() {
        int now = state;
        if (now == CLOSED || now == ALONE) {
            throw refusal();
        }
    }

    private IllegalStateException refusal() {
        return new IllegalStateException(name + (isClosed() ? " is closed" : " is in use by another thread"));
    }

    /** Whether {@link #close} has been called. */
    public boolean isClosed() {
        return state == CLOSED;
    }

    /**
     * Closes the object and frees its memory; does nothing if that was done before.
     *
     * @return whether this call closed it
     * @throws IllegalStateException if a call is under way; the object stays open then
     */
    public boolean close() {
        if (!STATE.compareAndSet(this, OPEN, CLOSED)) {
            if (isClosed()) {
                return false;
            }
            throw new IllegalStateException(closedWhileInUse(name));
        }
        memory.clean();
        return true;
    }

    /** The words for closing something that a call uses. */
    static String closedWhileInUse(String name) {
        return name + " was to be closed while in use by another thread";
    }

    /** What it is called in messages. */
    @Override
    public String toString() {
        return name;
    }

    /** Begins a call if nobody is inside and the object is open. */
    boolean tryEnter() {
        return STATE.compareAndSet(this, OPEN, ALONE);
    }

    /** The guard, or null: what a {@code finally} block has to end the use of. */
    static void unshare(@Nullable Guard guard) {
        if (guard != null) {
            guard.unshare();
        }
    }
}
