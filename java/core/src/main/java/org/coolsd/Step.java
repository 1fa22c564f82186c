package org.coolsd;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.coolsd.VerifierSpec.Report;
import org.coolsd.internal.NativeLibrary;
import org.coolsd.internal.binding.Native;
import org.coolsd.internal.binding.coolsd_logits;
import org.coolsd.internal.binding.coolsd_normaliser;
import org.coolsd.internal.binding.coolsd_sample_args;
import org.coolsd.internal.binding.coolsd_verify_args;

/**
 * One step of a batch of sequences: drafts are begun, sampled token by token, and verified, in memory that is allocated
 * once and reused from step to step. Verification takes the normalisers that sampling found, so that accepted draft
 * rows are not read again; draft logits must stay as they were when their token was sampled.
 *
 * <p>Belongs to the verifier that made it and is freed with it. One thread at a time.
 */
public final class Step {
    private static final int PAGE = 4096;
    /** The mass of a law is relative to its largest probability. */
    private static final int MASS_AT = Loader.offsetof(coolsd_normaliser.class, "mass");

    private final Verifier verifier;
    private final VerifierSpec spec;
    private final int batch;
    private final int stride;
    private final coolsd_verify_args args;
    private final coolsd_sample_args sampleArgs;
    private final View target;
    private final View draft;
    private final View sampled;
    private final ByteBuffer argsMemory;
    private final ByteBuffer sampleMemory;
    private final int purposeAt;
    private final int sampleNormalisersAt;
    private final int normalisersAt;
    private final IntBuffer draftTokens;
    private final IntBuffer lengths;
    private final LongBuffer seeds;
    private final LongBuffer positions;
    private final LongBuffer drawPositions;
    private final IntBuffer drawn;
    private final IntBuffer status;
    private final ByteBuffer normalisers;
    private final ByteBuffer drawnNormalisers;
    private final long normalisersAddress;
    private final long drawnNormalisersAddress;
    private final Verdict[] verdicts;
    /** Everything that native code reads and writes, in pages of its own so that a device can be given it. */
    private final ByteBuffer memory;

    private final Pointer memoryStart;
    private Pointer stream;
    /** Whether the draft of a sequence was sampled here, so that its normalisers are known. */
    private final boolean[] sampledHere;

    /** The conditional and unconditional halves of one argument inside a native struct. */
    private record View(ByteBuffer memory, int conditional, int unconditional) {
        private static final int DATA = Loader.offsetof(coolsd_logits.class, "data");
        private static final int BATCH_STRIDE = Loader.offsetof(coolsd_logits.class, "batch_stride");
        private static final int ROW_STRIDE = Loader.offsetof(coolsd_logits.class, "row_stride");
        private static final int DTYPE = Loader.offsetof(coolsd_logits.class, "dtype");

        void set(Logits logits) {
            set(conditional, logits);
            if (logits.unconditional() == null) {
                memory.putLong(unconditional + DATA, 0);
            } else {
                set(unconditional, logits.unconditional());
            }
        }

        private void set(int at, Logits logits) {
            memory.putLong(at + DATA, logits.address());
            memory.putLong(at + BATCH_STRIDE, logits.batchStride());
            memory.putLong(at + ROW_STRIDE, logits.rowStride());
            memory.putInt(at + DTYPE, logits.type().ordinal());
        }
    }

    Step(Verifier verifier, int batch) {
        if (batch < 1) {
            throw new IllegalArgumentException("batch is " + batch + ", it must be at least 1");
        }
        this.verifier = verifier;
        this.spec = verifier.spec();
        this.batch = batch;
        this.stride = spec.drafts().length();
        int drafts = Math.max(1, batch * stride);
        int outputs = batch * (stride + 1);
        int size = Loader.sizeof(coolsd_normaliser.class);
        args = new coolsd_verify_args();
        args.retainReference();
        sampleArgs = new coolsd_sample_args();
        sampleArgs.retainReference();
        argsMemory = memory(args, Loader.sizeof(coolsd_verify_args.class));
        sampleMemory = memory(sampleArgs, Loader.sizeof(coolsd_sample_args.class));
        int pages = (128 * batch * (stride + 2) + PAGE - 1) / PAGE + 1;
        memory = ByteBuffer.allocateDirect((pages + 1) * PAGE).alignedSlice(PAGE);
        memoryStart = new Pointer(memory);
        NativeLibrary.check(Native.coolsd_host_register(verifier.handle(), memoryStart, (long) pages * PAGE));
        draftTokens = bytes(4 * drafts).asIntBuffer();
        lengths = bytes(4 * batch).asIntBuffer();
        seeds = bytes(8 * batch).asLongBuffer();
        positions = bytes(8 * batch).asLongBuffer();
        drawPositions = bytes(8 * batch).asLongBuffer();
        drawn = bytes(4 * batch).asIntBuffer();
        status = bytes(4 * batch).asIntBuffer();
        normalisers = bytes(size * drafts);
        drawnNormalisers = bytes(size * batch);
        normalisersAddress = address(normalisers);
        drawnNormalisersAddress = address(drawnNormalisers);
        IntBuffer tokens = bytes(4 * outputs).asIntBuffer();
        IntBuffer accepted = bytes(4 * batch).asIntBuffer();
        DoubleBuffer drift =
                spec.reports().contains(Report.DRIFT) ? bytes(8 * drafts).asDoubleBuffer() : null;
        DoubleBuffer ratio =
                spec.reports().contains(Report.RATIO) ? bytes(8 * outputs).asDoubleBuffer() : null;
        DoubleBuffer logProb =
                spec.reports().contains(Report.LOG_PROB) ? bytes(8 * outputs).asDoubleBuffer() : null;
        sampledHere = new boolean[batch];
        verdicts = new Verdict[batch];
        for (int b = 0; b < batch; b++) {
            verdicts[b] = new Verdict(b, stride, tokens, accepted, status, drift, ratio, logProb);
        }

        Fields verify = new Fields(argsMemory, coolsd_verify_args.class);
        verify.putSize().putInt("batch", batch);
        verify.point("draft_tokens", draftTokens).point("draft_lengths", lengths);
        verify.point("seeds", seeds).point("positions", positions);
        verify.point("tokens", tokens).point("accepted", accepted).point("status", status);
        verify.point("drift", drift).point("ratio", ratio).point("log_prob", logProb);
        target = new View(argsMemory, verify.at("target"), verify.at("target_uncond"));
        draft = new View(argsMemory, verify.at("draft"), verify.at("draft_uncond"));
        normalisersAt = verify.at("draft_normalisers");
        Fields sample = new Fields(sampleMemory, coolsd_sample_args.class);
        sample.putSize().putInt("batch", batch);
        sample.point("seeds", seeds).point("positions", drawPositions);
        sample.point("tokens", drawn).point("status", status);
        sampled = new View(sampleMemory, sample.at("logits"), sample.at("logits_uncond"));
        purposeAt = sample.at("purpose");
        sampleNormalisersAt = sample.at("normalisers");
    }

    /** A native struct's fields by their names in coolsd.h. */
    private record Fields(ByteBuffer memory, Class<? extends Pointer> type) {
        int at(String name) {
            int offset = Loader.offsetof(type, name);
            if (offset < 0) {
                throw new IllegalStateException("the binding has no field " + name + " in " + type.getSimpleName());
            }
            return offset;
        }

        Fields putSize() {
            memory.putLong(at("struct_size"), memory.capacity());
            return this;
        }

        Fields putInt(String name, int value) {
            memory.putInt(at(name), value);
            return this;
        }

        Fields point(String name, java.nio.Buffer buffer) {
            memory.putLong(at(name), buffer == null ? 0 : address(buffer));
            return this;
        }
    }

    private static long address(java.nio.Buffer buffer) {
        return new Pointer(buffer).address();
    }

    /** The bytes of a struct, zeroed. */
    private static ByteBuffer memory(Pointer struct, int size) {
        Pointer.memset(struct, 0, size);
        return new Pointer(struct).capacity(size).limit(size).asByteBuffer().order(ByteOrder.nativeOrder());
    }

    /** The next part of {@link #memory}. */
    private ByteBuffer bytes(int size) {
        ByteBuffer part = memory.slice(memory.position(), size).order(ByteOrder.nativeOrder());
        memory.position((memory.position() + size + 15) / 16 * 16);
        return part;
    }

    /** Sequences of this step. */
    public int batch() {
        return batch;
    }

    /**
     * Begins the step of sequence {@code b} with no draft tokens.
     *
     * @param seed the request's seed
     * @param position absolute position of the first token of this step
     */
    public void begin(int b, long seed, long position) {
        verifier.requireOpen();
        requireSequence(b);
        seeds.put(b, seed);
        positions.put(b, position);
        lengths.put(b, 0);
        sampledHere[b] = true;
    }

    /** Takes the first {@code length} of {@code tokens} as the draft of sequence {@code b}, sampled elsewhere. */
    public void draft(int b, int[] tokens, int length) {
        requireSequence(b);
        if (length < 0 || length > stride || length > tokens.length) {
            throw new IllegalArgumentException(
                    "length is " + length + ", the draft length is at most " + Math.min(stride, tokens.length));
        }
        draftTokens.put(b * stride, tokens, 0, length);
        lengths.put(b, length);
        sampledHere[b] = length == 0;
    }

    /**
     * Samples one more draft token of every sequence.
     *
     * @param logits [batch, 1, V]: what the drafter predicts behind the draft so far
     * @throws CoolsdException if a row has no law; the message names the sequence
     */
    public void sampleDraft(Logits logits) {
        require("logits", logits, 1);
        for (int b = 0; b < batch; b++) {
            if (lengths.get(b) >= stride) {
                throw new IllegalStateException("sequence " + b + " has " + stride + " draft tokens already");
            }
            drawPositions.put(b, positions.get(b) + lengths.get(b));
        }
        sample(logits, Purpose.DRAFT, true);
        int size = drawnNormalisers.capacity() / batch;
        for (int b = 0; b < batch; b++) {
            int at = b * stride + lengths.get(b);
            draftTokens.put(at, drawn.get(b));
            normalisers.put(at * size, drawnNormalisers, b * size, size);
            lengths.put(b, lengths.get(b) + 1);
        }
    }

    /** Draft tokens of sequence {@code b} so far. */
    public int draftLength(int b) {
        requireSequence(b);
        return lengths.get(b);
    }

    /** Draft token {@code i} of sequence {@code b}. */
    public int draftToken(int b, int i) {
        if (i < 0 || i >= draftLength(b)) {
            throw new IndexOutOfBoundsException("i is " + i + ", the draft has " + lengths.get(b) + " tokens");
        }
        return draftTokens.get(b * stride + i);
    }

    /** Largest probability of the law that the last draft token of sequence {@code b} was sampled from, by this step. */
    public double draftPeak(int b) {
        int length = draftLength(b);
        if (length == 0 || !sampledHere[b]) {
            throw new IllegalStateException("this step has sampled no draft of sequence " + b);
        }
        int size = drawnNormalisers.capacity() / batch;
        return 1 / normalisers.getDouble((b * stride + length - 1) * size + MASS_AT);
    }

    /**
     * Accepts a prefix of every draft and draws one token more.
     *
     * @param target logits [batch, n + 1, V], n the longest draft of the batch; row i is the target's law of token i
     * @param draft logits [batch, n, V]; row i is what draft token i was sampled from; null if n is 0
     */
    public void verify(Logits target, Logits draft) {
        int longest = 0;
        boolean allSampled = true;
        for (int b = 0; b < batch; b++) {
            allSampled &= sampledHere[b];
            longest = Math.max(longest, lengths.get(b));
        }
        require("target", target, longest + 1);
        if (longest > 0) {
            require("draft", draft, longest);
        }
        this.target.set(target);
        this.draft.set(longest > 0 ? draft : target);
        argsMemory.putLong(normalisersAt, allSampled && longest > 0 ? normalisersAddress : 0);
        NativeLibrary.check(Native.coolsd_verify(verifier.handle(), args));
        synchronize();
    }

    /** Results are read by the host. */
    private void synchronize() {
        if (verifier.backend().onDevice()) {
            NativeLibrary.check(Native.coolsd_synchronize(verifier.handle(), stream));
        }
    }

    /**
     * The CUDA stream in which this step's work is queued from now on: the one that computes the logits.
     *
     * @param handle a {@code cudaStream_t}; 0 is the default stream
     */
    public void stream(long handle) {
        stream = new Pointer() {
            {
                address = handle;
            }
        };
        argsMemory.putLong(Loader.offsetof(coolsd_verify_args.class, "stream"), handle);
        sampleMemory.putLong(Loader.offsetof(coolsd_sample_args.class, "stream"), handle);
    }

    /** What became of sequence {@code b}; a view that the next call overwrites. */
    public Verdict verdict(int b) {
        requireSequence(b);
        return verdicts[b];
    }

    /** One token from one row, outside any draft. */
    int sample(Logits logits, Purpose purpose, long seed, long position) {
        require("logits", logits, 1);
        seeds.put(0, seed);
        drawPositions.put(0, position);
        sample(logits, purpose, false);
        return drawn.get(0);
    }

    private void sample(Logits logits, Purpose purpose, boolean keep) {
        sampled.set(logits);
        sampleMemory.putInt(purposeAt, purpose.code());
        sampleMemory.putLong(sampleNormalisersAt, keep ? drawnNormalisersAddress : 0);
        NativeLibrary.check(Native.coolsd_sample(verifier.handle(), sampleArgs));
        synchronize();
        for (int b = 0; b < batch; b++) {
            if (status.get(b) != 0) {
                throw new CoolsdException("no token can be sampled at position " + drawPositions.get(b)
                        + (batch == 1 ? "" : " of sequence " + b) + ": status " + Status.of(status.get(b)));
            }
        }
    }

    private void requireSequence(int b) {
        if (b < 0 || b >= batch) {
            throw new IndexOutOfBoundsException("b is " + b + ", the step has " + batch + " sequences");
        }
    }

    private void require(String name, Logits logits, int rows) {
        verifier.requireOpen();
        if (logits == null) {
            throw new IllegalArgumentException(name + " is null");
        }
        if (verifier.backend().onDevice() && logits.isHost()) {
            throw new IllegalArgumentException(
                    name + " is in host memory, " + verifier.backend().name() + " needs a view of device memory");
        }
        if (logits.batch() != batch || logits.rows() < rows || logits.vocab() != spec.vocab()) {
            String wanted = (batch == 1 ? "[" : "[" + batch + ", ") + rows + ", " + spec.vocab() + "]";
            throw new IllegalArgumentException(name + " is " + logits.shape() + ", it must be " + wanted);
        }
    }

    void release() {
        Native.coolsd_host_unregister(verifier.handle(), memoryStart);
        args.releaseReference();
        sampleArgs.releaseReference();
    }
}
