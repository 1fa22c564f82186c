package org.coolsd.bench;

import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.coolsd.internal.NativeLibrary;
import org.coolsd.internal.binding.Native;
import org.coolsd.internal.binding.coolsd_logits;
import org.coolsd.internal.binding.coolsd_normaliser;
import org.coolsd.internal.binding.coolsd_sample_args;
import org.coolsd.internal.binding.coolsd_sampling;
import org.coolsd.internal.binding.coolsd_verifier;
import org.coolsd.internal.binding.coolsd_verifier_spec;
import org.coolsd.internal.binding.coolsd_verify_args;

/**
 * A step as a C program has it: one verifier, and arguments that {@link NativePeer} passes again and again. Same logits,
 * tokens, seed and position as the Java side's.
 */
final class CStep implements AutoCloseable {
    /** Owns every pointer below. */
    private final PointerScope scope = new PointerScope();

    private final coolsd_verifier handle = new coolsd_verifier();
    private final coolsd_verify_args verify = zeroed(new coolsd_verify_args());
    private final coolsd_sample_args sample = zeroed(new coolsd_sample_args());
    private final IntPointer accepted = new IntPointer(1);
    private final IntPointer drawn = new IntPointer(1);

    /** For the only sequence of {@code draft}, whose elements are f32 and whose tokens were sampled elsewhere. */
    CStep(Draft draft, long seed, long position) {
        NativeLibrary.require();
        coolsd_verifier_spec spec = zeroed(new coolsd_verifier_spec());
        spec.struct_size(spec.sizeof()).backend(Native.COOLSD_CPU).vocab(draft.vocab());
        spec.draft_length(draft.length()).omega(new FloatPointer(draft.omega()));
        plain(spec.target());
        plain(spec.draft());
        NativeLibrary.check(Native.coolsd_verifier_create(spec, handle));
        IntPointer status = new IntPointer(1);
        LongPointer seeds = new LongPointer(new long[] {seed});
        LongPointer positions = new LongPointer(new long[] {position});
        verify.struct_size(verify.sizeof()).batch(1);
        set(verify.target(), draft.target());
        set(verify.draft(), draft.draft());
        verify.draft_tokens(new IntPointer(draft.tokens()[0][0]));
        verify.seeds(seeds).positions(positions);
        verify.tokens(new IntPointer(draft.length() + 1L)).accepted(accepted).status(status);
        sample.struct_size(sample.sizeof()).batch(1).purpose(Native.COOLSD_DRAFT);
        set(sample.logits(), draft.draft());
        sample.seeds(seeds).positions(positions).tokens(drawn).status(status);
        sample.normalisers(new coolsd_normaliser());
        scope.detach(handle);
    }

    private static <T extends Pointer> T zeroed(T struct) {
        Pointer.memset(struct, 0, struct.sizeof());
        return struct;
    }

    private static void plain(coolsd_sampling sampling) {
        sampling.struct_size(sampling.sizeof()).temperature(1).guidance(1).top_p(1);
    }

    private static void set(coolsd_logits to, LogitRows rows) {
        to.data(rows.pointer()).row_stride(rows.vocab()).batch_stride((long) rows.rows() * rows.vocab());
        to.dtype(Native.COOLSD_F32);
    }

    /** Verifies {@code times} times; returns the number accepted. */
    int verify(int times) {
        NativeLibrary.check(NativePeer.verify(handle.address(), verify.address(), times));
        return accepted.get();
    }

    /** Samples {@code times} times from the first draft row; returns the token. */
    int sample(int times) {
        NativeLibrary.check(NativePeer.sample(handle.address(), sample.address(), times));
        return drawn.get();
    }

    @Override
    public void close() {
        Native.coolsd_verifier_destroy(handle);
        scope.close();
    }
}
