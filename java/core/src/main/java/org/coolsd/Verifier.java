package org.coolsd;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.PointerScope;
import org.coolsd.internal.NativeLibrary;
import org.coolsd.internal.binding.Native;
import org.coolsd.internal.binding.coolsd_lantern;
import org.coolsd.internal.binding.coolsd_sampling;
import org.coolsd.internal.binding.coolsd_verifier;
import org.coolsd.internal.binding.coolsd_verifier_spec;

/**
 * Checks drafts against the target and samples tokens, from raw logits. One thread at a time; distinct verifiers are
 * independent. Calls allocate nothing: single sequences share one {@link Step}, batches have theirs from {@link #step}.
 */
public final class Verifier implements AutoCloseable {
    private final VerifierSpec spec;
    private final Backend backend;
    private final coolsd_verifier handle = new coolsd_verifier();
    private final List<Step> steps = new ArrayList<>();
    private final Step single;
    private boolean closed;

    private Verifier(Backend backend, VerifierSpec spec) {
        NativeLibrary.require();
        this.spec = spec;
        this.backend = backend;
        handle.retainReference();
        try (PointerScope scope = new PointerScope();
                coolsd_verifier_spec created = new coolsd_verifier_spec()) {
            int length = spec.drafts().length();
            FloatPointer omega =
                    new FloatPointer(Math.max(1, length)).put(spec.drafts().omega());
            created.struct_size(created.sizeof()).backend(backend.code()).device(backend.device());
            created.vocab(spec.vocab());
            created.draft_length(length).omega(omega).lantern(lantern(spec.lantern()));
            set(created.target(), spec.target());
            set(created.draft(), spec.draft());
            NativeLibrary.check(Native.coolsd_verifier_create(created, handle));
        }
        single = step(1);
    }

    private static void set(coolsd_sampling to, Sampling from) {
        to.struct_size(to.sizeof()).temperature(from.temperature()).guidance(from.guidance());
        to.top_k(from.topK()).top_p(from.topP()).window_lo(from.windowFrom()).window_hi(from.windowTo());
    }

    private static coolsd_lantern lantern(Lantern from) {
        if (from == null) {
            return null;
        }
        coolsd_lantern to = new coolsd_lantern();
        to.struct_size(to.sizeof()).k(from.table().k()).bound(from.bound());
        to.neighbours(new IntPointer(from.table().buffer()));
        to.rule(from.plusPlus() ? Native.COOLSD_LANTERN_PLUS_PLUS : Native.COOLSD_LANTERN);
        to.residual(from.optimal() ? Native.COOLSD_RESIDUAL_OPTIMAL : Native.COOLSD_RESIDUAL_LANTERN);
        return to;
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
        return spec;
    }

    /** Where it computes. */
    public Backend backend() {
        return backend;
    }

    /** Memory for steps of {@code batch} sequences, at least 1; freed with this verifier. */
    public Step step(int batch) {
        requireOpen();
        Step step = new Step(this, batch);
        steps.add(step);
        return step;
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
    public Verdict verify(Logits target, Logits draft, int[] draftTokens, long seed, long position) {
        single.begin(0, seed, position);
        single.draft(0, draftTokens, draftTokens.length);
        single.verify(target, draft);
        return single.verdict(0);
    }

    /**
     * Samples one token from one row of logits.
     *
     * @param position absolute position of the token
     * @return the token
     * @throws CoolsdException if the row holds NaN or +inf, or nothing else than -inf
     */
    public int sample(Logits logits, Purpose purpose, long seed, long position) {
        return single.sample(logits, purpose, seed, position);
    }

    coolsd_verifier handle() {
        return handle;
    }

    void requireOpen() {
        if (closed) {
            throw new IllegalStateException("the verifier is closed");
        }
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            steps.forEach(Step::release);
            Native.coolsd_verifier_destroy(handle);
            handle.releaseReference();
        }
    }
}
