package org.coolsd;

import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.ShortBuffer;
import java.util.Objects;
import org.coolsd.internal.NativeLibrary;
import org.jspecify.annotations.Nullable;

/**
 * A view of logits [batch, rows, vocab] in memory that somebody else owns. Element (b, i, v) stands at address + (b
 * batchStride + i rowStride + v) elements; rows need only be aligned to their elements. A view holds on to the buffer, array
 * copy or owner that it was made from, and a call that reads it holds on to the view until it has returned; an address alone
 * is the caller's to keep valid that long.
 */
public final class Logits {
    /** Element types. */
    public enum Type {
        /** IEEE 754 single precision. */
        F32(4),
        /** IEEE 754 half precision. */
        F16(2),
        /** The upper half of single precision. */
        BF16(2);

        private final int size;

        Type(int size) {
            this.size = size;
        }

        /** Bytes of an element. */
        public int size() {
            return size;
        }
    }

    private final long address;
    private final int batch;
    private final long batchStride;
    private final Type type;
    private final int rows;
    private final int vocab;
    private final long rowStride;
    private final Memory memory;
    private final @Nullable Logits unconditional;

    /**
     * What the address lies in.
     *
     * @param owner what keeps it valid while it is reachable; null if the caller does
     * @param host whether it is the Java side's own, which no device reads
     * @param guard of memory that can be closed
     */
    private record Memory(@Nullable Object owner, boolean host, @Nullable Guard guard) {}

    private static final Memory FOREIGN = new Memory(null, false, null);

    private Logits(
            long address,
            Type type,
            int batch,
            int rows,
            int vocab,
            long batchStride,
            long rowStride,
            Memory memory,
            @Nullable Logits unconditional) {
        if (batch < 1) {
            throw new IllegalArgumentException("batch is " + batch + ", it must be at least 1");
        }
        this.batch = batch;
        this.batchStride = batchStride;
        this.type = Objects.requireNonNull(type, "type");
        if (rows < 0) {
            throw new IllegalArgumentException("rows is " + rows + ", it must be at least 0");
        }
        if (vocab < 2) {
            throw new IllegalArgumentException("vocab is " + vocab + ", it must be at least 2");
        }
        if (address == 0 && rows > 0) {
            throw new IllegalArgumentException("address is 0");
        }
        if (address % type.size != 0) {
            throw new IllegalArgumentException("address is " + Long.toUnsignedString(address)
                    + ", it must be a multiple of " + type.size + ", the bytes of " + type);
        }
        this.address = address;
        this.rows = rows;
        this.vocab = vocab;
        this.rowStride = rowStride;
        this.memory = memory;
        this.unconditional = unconditional;
    }

    /** Memory at {@code address}, which must stay valid for as long as this view is used. */
    public static Logits at(long address, Type type, int rows, int vocab, long rowStride) {
        return new Logits(address, type, 1, rows, vocab, 0, rowStride, FOREIGN, null);
    }

    /** As above, for memory that is valid while {@code owner} is reachable, such as an engine's tensor. */
    public static Logits at(long address, Type type, int rows, int vocab, long rowStride, Object owner) {
        return new Logits(address, type, 1, rows, vocab, 0, rowStride, owned(owner), null);
    }

    /** Memory of {@code batch} sequences, {@code batchStride} elements apart, which must stay valid likewise. */
    public static Logits at(long address, Type type, int batch, int rows, int vocab, long batchStride, long rowStride) {
        return new Logits(address, type, batch, rows, vocab, batchStride, rowStride, FOREIGN, null);
    }

    /** As above, for memory that is valid while {@code owner} is reachable. */
    public static Logits at(
            long address, Type type, int batch, int rows, int vocab, long batchStride, long rowStride, Object owner) {
        return new Logits(address, type, batch, rows, vocab, batchStride, rowStride, owned(owner), null);
    }

    private static Memory owned(Object owner) {
        return new Memory(Objects.requireNonNull(owner, "owner"), false, null);
    }

    /**
     * The remaining elements of a direct buffer, from its position on, row by row. They are not copied: what is written into
     * the buffer later is what is read.
     *
     * @throws IllegalArgumentException if the buffer is not direct, holds another number of elements, or has another byte
     *     order than this machine, as every new ByteBuffer has until its order is set
     */
    public static Logits of(FloatBuffer buffer, int rows, int vocab) {
        return of(buffer, buffer.order(), 4, Type.F32, rows, vocab);
    }

    /**
     * The remaining elements of a direct buffer of half-precision numbers' bits, likewise.
     *
     * @param type F16 or BF16
     */
    public static Logits of(ShortBuffer buffer, Type type, int rows, int vocab) {
        if (type == Type.F32) {
            throw new IllegalArgumentException("type is F32, a ShortBuffer holds F16 or BF16");
        }
        return of(buffer, buffer.order(), 2, type, rows, vocab);
    }

    /** The remaining bytes of a direct buffer as elements of {@code type}, likewise. */
    public static Logits of(ByteBuffer buffer, Type type, int rows, int vocab) {
        return of(buffer, buffer.order(), 1, type, rows, vocab);
    }

    private static Logits of(Buffer buffer, ByteOrder order, int unit, Type type, int rows, int vocab) {
        if (!buffer.isDirect()) {
            throw new IllegalArgumentException("buffer is not direct; use copyOf or a LogitsBuffer for arrays");
        }
        if (order != ByteOrder.nativeOrder()) {
            throw new IllegalArgumentException(
                    "buffer has the byte order " + order + ", logits are read in this machine's, "
                            + ByteOrder.nativeOrder() + "; make it with ByteBuffer.order(ByteOrder.nativeOrder())");
        }
        long bytes = (long) buffer.remaining() * unit;
        if (bytes % type.size != 0) {
            throw new IllegalArgumentException(
                    "buffer has " + bytes + " bytes, " + type + " needs a multiple of " + type.size);
        }
        requireElements(bytes / type.size, rows, vocab);
        long start = NativeLibrary.address(buffer);
        if (rows > 0 && start % Math.max(type.size, unit) != 0 || rows > 0 && start == 0) {
            throw new IllegalArgumentException("buffer begins at an address that is no multiple of " + type.size
                    + ", the bytes of " + type + "; its position is " + buffer.position());
        }
        return new Logits(start, type, 1, rows, vocab, 0, vocab, new Memory(buffer, true, null), null);
    }

    /**
     * A native copy of {@code values}, row by row, which lives as long as the view. For a copy in every step use a {@link
     * LogitsBuffer}, which allocates nothing.
     */
    public static Logits copyOf(float[] values, int rows, int vocab) {
        requireElements(values.length, rows, vocab);
        NativeLibrary.require();
        NativeMemory.Layout layout = new NativeMemory.Layout();
        layout.add(values.length, 4);
        NativeMemory copy = layout.allocate();
        copy.bytes.asFloatBuffer().put(values);
        return new Logits(copy.address, Type.F32, 1, rows, vocab, 0, vocab, new Memory(copy.bytes, true, null), null);
    }

    /** Rows in memory that {@code guard} closes. */
    static Logits guarded(long address, Type type, int rows, int vocab, Object owner, Guard guard) {
        return new Logits(address, type, 1, rows, vocab, 0, vocab, new Memory(owner, true, guard), null);
    }

    private static void requireElements(long elements, int rows, int vocab) {
        if (elements != (long) rows * vocab) {
            throw new IllegalArgumentException(
                    elements + " elements are given, " + rows + " rows of " + vocab + " need " + (long) rows * vocab);
        }
    }

    /** This view with the unconditional logits of classifier-free guidance, of the same shape and type. */
    public Logits guidedBy(Logits other) {
        if (other.batch != batch || other.rows != rows || other.vocab != vocab) {
            throw new IllegalArgumentException(
                    "unconditional is " + other.shape() + ", the conditional logits are " + shape());
        }
        if (other.type != type) {
            throw new IllegalArgumentException(
                    "unconditional is " + other.type + ", the conditional logits are " + type);
        }
        return new Logits(address, type, batch, rows, vocab, batchStride, rowStride, memory, other);
    }

    /** This view without the unconditional half: what guidance 1 reads. */
    public Logits conditional() {
        return unconditional == null
                ? this
                : new Logits(address, type, batch, rows, vocab, batchStride, rowStride, memory, null);
    }

    /** Row {@code i} of every sequence, with its unconditional half. */
    public Logits row(int i) {
        if (i < 0 || i >= rows) {
            throw new IndexOutOfBoundsException("i is " + i + ", there are " + rows + " rows");
        }
        return new Logits(
                address + i * rowStride * type.size,
                type,
                batch,
                1,
                vocab,
                batchStride,
                rowStride,
                memory,
                unconditional == null ? null : unconditional.row(i));
    }

    /** All rows of sequence {@code b}, with their unconditional half. */
    public Logits sequence(int b) {
        if (b < 0 || b >= batch) {
            throw new IndexOutOfBoundsException("b is " + b + ", there are " + batch + " sequences");
        }
        return new Logits(
                address + b * batchStride * type.size,
                type,
                1,
                rows,
                vocab,
                0,
                rowStride,
                memory,
                unconditional == null ? null : unconditional.sequence(b));
    }

    /** Whether this is the Java side's own memory, which no device reads. */
    boolean isHost() {
        return memory.host;
    }

    /** What must be shared while the memory is read, or null. */
    @Nullable
    Guard guard() {
        return memory.guard;
    }

    /** Sequences in view. */
    public int batch() {
        return batch;
    }

    /** Rows in view. */
    public int rows() {
        return rows;
    }

    /** Vocabulary size. */
    public int vocab() {
        return vocab;
    }

    /** Element type. */
    public Type type() {
        return type;
    }

    /** The unconditional half, or null. */
    public @Nullable Logits unconditional() {
        return unconditional;
    }

    /** [batch, rows, vocab], without batch if it is 1. */
    String shape() {
        return (batch == 1 ? "[" : "[" + batch + ", ") + rows + ", " + vocab + "]";
    }

    long address() {
        return address;
    }

    long rowStride() {
        return rowStride;
    }

    long batchStride() {
        return batchStride;
    }

    @Override
    public String toString() {
        return "Logits" + shape() + " of " + type + (unconditional == null ? "" : ", guided");
    }
}
