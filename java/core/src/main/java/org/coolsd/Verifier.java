package org.coolsd;

import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.coolsd.internal.NativeLibrary;
import org.coolsd.internal.binding.Native;
import org.coolsd.internal.binding.coolsd_logits;
import org.coolsd.internal.binding.coolsd_sample_args;
import org.coolsd.internal.binding.coolsd_sampling;
import org.coolsd.internal.binding.coolsd_verifier;
import org.coolsd.internal.binding.coolsd_verifier_spec;
import org.coolsd.internal.binding.coolsd_verify_args;

/**
 * Checks drafts against the target and samples tokens, from raw logits. One thread at a time; distinct verifiers are
 * independent. Everything a call needs is allocated when the verifier is opened.
 */
public final class Verifier implements AutoCloseable {
    private final VerifierSpec spec;
    private final Backend backend;
    private final List<Pointer> memory = new ArrayList<>();
    private final coolsd_verifier handle;
    private final coolsd_verify_args args;
    private final View target;
    private final View draft;
    private final coolsd_sample_args sampleArgs;
    private final View sampled;
    private final IntPointer draftTokens;
    private final IntPointer draftLength;
    private final LongPointer seed;
    private final LongPointer position;
    private final Verdict verdict;
    private final IntBuffer tokens;
    private final IntBuffer status;
    private boolean closed;

    /** The conditional and unconditional halves of one argument inside a native struct. */
    private record View(coolsd_logits conditional, coolsd_logits unconditional) {
        void set(Logits logits) {
            set(conditional, logits);
            if (logits.unconditional() == null) {
                unconditional.data(null);
            } else {
                set(unconditional, logits.unconditional());
            }
        }

        private static void set(coolsd_logits view, Logits logits) {
            view.data(logits.pointer())
                    .row_stride(logits.rowStride())
                    .dtype(logits.type().ordinal());
        }
    }

    private Verifier(Backend backend, VerifierSpec spec) {
        NativeLibrary.require();
        this.spec = spec;
        this.backend = backend;
        int length = spec.drafts().length();
        try {
            FloatPointer omega = own(new FloatPointer(Math.max(1, length)));
            omega.put(spec.drafts().omega());
            coolsd_verifier_spec created = own(new coolsd_verifier_spec());
            created.struct_size(created.sizeof()).backend(backend.code()).vocab(spec.vocab());
            created.draft_length(length).omega(omega);
            set(created.target(), spec.target());
            set(created.draft(), spec.draft());
            handle = new coolsd_verifier();
            NativeLibrary.check(Native.coolsd_verifier_create(created, handle));
            draftTokens = own(new IntPointer(Math.max(1, length)));
            draftLength = own(new IntPointer(1));
            seed = own(new LongPointer(1));
            position = own(new LongPointer(1));
            IntPointer out = own(new IntPointer(length + 1L));
            IntPointer accepted = own(new IntPointer(1));
            IntPointer state = own(new IntPointer(1));
            DoublePointer drift = own(new DoublePointer(Math.max(1, length))).put(new double[Math.max(1, length)]);
            args = own(new coolsd_verify_args());
            args.struct_size(args.sizeof()).batch(1).draft_tokens(draftTokens).draft_lengths(draftLength);
            args.seeds(seed).positions(position).tokens(out).accepted(accepted).status(state);
            args.drift(drift);
            target = new View(args.target(), args.target_uncond());
            draft = new View(args.draft(), args.draft_uncond());
            sampleArgs = own(new coolsd_sample_args());
            sampleArgs.struct_size(sampleArgs.sizeof()).batch(1);
            sampleArgs.seeds(seed).positions(position).tokens(out).status(state);
            sampled = new View(sampleArgs.logits(), sampleArgs.logits_uncond());
            tokens = out.asBuffer();
            status = state.asBuffer();
            verdict = new Verdict(tokens, accepted.asBuffer(), status, drift.asBuffer());
        } catch (RuntimeException e) {
            release();
            throw e;
        }
    }

    /** Keeps {@code pointer} until close, also when the caller's PointerScope ends before. */
    private <T extends Pointer> T own(T pointer) {
        pointer.retainReference();
        memory.add(pointer);
        return pointer;
    }

    private void release() {
        memory.forEach(Pointer::releaseReference);
        memory.clear();
    }

    private static void set(coolsd_sampling to, Sampling from) {
        to.struct_size(to.sizeof()).temperature(from.temperature()).guidance(from.guidance());
        to.top_k(from.topK()).top_p(from.topP()).window_lo(from.windowFrom()).window_hi(from.windowTo());
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
        return verify(target, draft, draftTokens, draftTokens.length, seed, position);
    }

    /** As above with the first {@code length} of {@code draftTokens}. */
    public Verdict verify(Logits target, Logits draft, int[] draftTokens, int length, long seed, long position) {
        requireOpen();
        if (length < 0 || length > spec.drafts().length() || length > draftTokens.length) {
            throw new IllegalArgumentException("length is " + length + ", the draft length is at most "
                    + Math.min(spec.drafts().length(), draftTokens.length));
        }
        require("target", target, length + 1);
        if (length > 0) {
            require("draft", draft, length);
            this.draft.set(draft);
        } else {
            this.draft.set(target);
        }
        this.target.set(target);
        this.draftTokens.put(draftTokens, 0, length);
        draftLength.put(length);
        this.seed.put(seed);
        this.position.put(position);
        NativeLibrary.check(Native.coolsd_verify(handle, args));
        return verdict;
    }

    /**
     * Samples one token from one row of logits.
     *
     * @param position absolute position of the token
     * @return the token
     * @throws CoolsdException if the row holds NaN or +inf, or nothing else than -inf
     */
    public int sample(Logits logits, Purpose purpose, long seed, long position) {
        requireOpen();
        require("logits", logits, 1);
        sampled.set(logits);
        sampleArgs.purpose(purpose.code());
        this.seed.put(seed);
        this.position.put(position);
        NativeLibrary.check(Native.coolsd_sample(handle, sampleArgs));
        Status state = Status.of(status.get(0));
        if (state != Status.OK) {
            throw new CoolsdException("no token can be sampled at position " + position + ": status " + state);
        }
        return tokens.get(0);
    }

    private void require(String name, Logits logits, int rows) {
        if (logits == null) {
            throw new IllegalArgumentException(name + " is null");
        }
        if (logits.rows() != rows || logits.vocab() != spec.vocab()) {
            throw new IllegalArgumentException(name + " is [" + logits.rows() + ", " + logits.vocab()
                    + "], it must be [" + rows + ", " + spec.vocab() + "]");
        }
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException("the verifier is closed");
        }
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            Native.coolsd_verifier_destroy(handle);
            release();
        }
    }
}
