package org.coolsd;

import java.lang.ref.Reference;
import org.coolsd.internal.NativeLibrary;
import org.coolsd.internal.binding.Native;
import org.coolsd.internal.binding.coolsd_verifier;
import org.jspecify.annotations.Nullable;

/**
 * Checks drafts against the target and samples tokens, from raw logits. Calls allocate nothing: single sequences share one
 * {@link Step}, batches have theirs from {@link #step}.
 *
 * <p>A verifier and its steps are for one thread at a time; a second one gets an IllegalStateException. Distinct verifiers are
 * independent. Closing it frees it and its steps, and is refused while a call is under way; whatever is called after that
 * throws IllegalStateException. One that is forgotten is freed after it was collected.
 */
public final class Verifier implements AutoCloseable {
    private final VerifierSpec spec;
    private final Backend backend;
    private final NativeVerifier nativeHalf;
    private final Guard guard;
    private final Step single;

    private Verifier(Backend backend, VerifierSpec spec) {
        NativeLibrary.require();
        this.spec = spec;
        this.backend = backend;
        nativeHalf = new NativeVerifier(backend, spec);
        guard = new Guard(this, "the verifier", nativeHalf);
        try {
            single = new Step(this, 1);
        } catch (RuntimeException | Error e) {
            guard.close();
            throw e;
        }
    }

    /**
     * Opens a verifier.
     *
     * @throws CoolsdException if the native library cannot be loaded or refuses the specification
     */
    public static Verifier open(Backend backend, VerifierSpec spec) {
        return new Verifier(backend, spec);
    }

    /** What this verifier was opened for. */
    public VerifierSpec spec() {
        guard.require();
        return spec;
    }

    /** Where it computes. */
    public Backend backend() {
        guard.require();
        return backend;
    }

    /** Memory for steps of up to {@code batch} sequences, at least 1; freed with this verifier, or before. */
    public Step step(int batch) {
        guard.require();
        return new Step(this, batch);
    }

    /**
     * One decoding step of one sequence: accepts a prefix of the draft and draws one token more.
     *
     * @param target logits [n + 1, V] where n is the number of draft tokens; row i is the target's law of draft token i
     * @param draft logits [n, V]; row i is what draft token i was sampled from; null if n is 0
     * @param draftTokens [n], n at most the schedule's draft length
     * @param seed the request's seed
     * @param position absolute position of the first draft token
     * @return a view that the next call overwrites
     */
    public Verdict verify(Logits target, @Nullable Logits draft, int[] draftTokens, long seed, long position) {
        return single.verify(target, draft, draftTokens, seed, position);
    }

    /**
     * The seed with which {@link #sample} draws the draft of a step that is given to {@link #verify}. With block verification it
     * is another one for every step, since a block is decided by all of its draft, also by tokens that it does not accept; the
     * next step draws for the same positions, and must not draw the same numbers. Otherwise it is the request's seed. A {@link
     * Step} does this by itself.
     *
     * @param seed the request's seed
     * @param position absolute position of the first draft token
     */
    public long stepSeed(long seed, long position) {
        guard.require();
        return seedOfStep(seed, position);
    }

    /** Within a call. */
    long seedOfStep(long seed, long position) {
        return spec.acceptance() instanceof Acceptance.Block ? Native.coolsd_step_seed(seed, position) : seed;
    }

    /**
     * Samples one token from one row of logits.
     *
     * @param logits [1, V]
     * @param position absolute position of the token
     * @return the token
     * @throws CoolsdException with the status, if the row holds NaN or +inf, or nothing else than -inf
     */
    public int sample(Logits logits, Purpose purpose, long seed, long position) {
        return single.sample(logits, purpose, seed, position);
    }

    /**
     * Natural logarithm of the probability of the token that {@link #sample} returned last.
     *
     * @throws IllegalStateException if the specification does not ask for the report LOG_PROB
     */
    public double sampledLogProb() {
        return single.sampledLogProb();
    }

    coolsd_verifier handle() {
        guard.require();
        return nativeHalf.handle();
    }

    NativeVerifier nativeHalf() {
        return nativeHalf;
    }

    Guard guard() {
        return guard;
    }

    /**
     * Frees the verifier and its steps; does nothing the second time.
     *
     * @throws IllegalStateException if a call is under way
     */
    @Override
    public void close() {
        try {
            guard.close();
        } finally {
            Reference.reachabilityFence(this);
        }
    }
}
