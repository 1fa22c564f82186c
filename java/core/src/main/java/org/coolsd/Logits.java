package org.coolsd;

import java.nio.FloatBuffer;
import java.util.Objects;
import org.bytedeco.javacpp.FloatPointer;
import org.coolsd.internal.NativeLibrary;

/**
 * A view of logits [batch, rows, vocab] in memory that somebody else owns and keeps alive. Element (b, i, v) stands at
 * address + (b batchStride + i rowStride + v) elements; rows need only be aligned to their elements.
 */
public final class Logits {
    /** Element types. */
    public enum Type {
        /** IEEE 754 single precision. */
        F32,
        /** IEEE 754 half precision. */
        F16,
        /** The upper half of single precision. */
        BF16
    }

    private final long address;
    private final int batch;
    private final long batchStride;
    private final Type type;
    private final int rows;
    private final int vocab;
    private final long rowStride;
    private final Object keptAlive;
    private Logits unconditional;

    private Logits(
            long address,
            Type type,
            int batch,
            int rows,
            int vocab,
            long batchStride,
            long rowStride,
            Object keptAlive) {
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
        this.address = address;
        this.rows = rows;
        this.vocab = vocab;
        this.rowStride = rowStride;
        this.keptAlive = keptAlive;
    }

    /** Memory at {@code address}, which must stay valid for as long as this view is used. */
    public static Logits at(long address, Type type, int rows, int vocab, long rowStride) {
        return new Logits(address, type, 1, rows, vocab, 0, rowStride, null);
    }

    /** As above for {@code batch} sequences, {@code batchStride} elements apart. */
    public static Logits at(long address, Type type, int batch, int rows, int vocab, long batchStride, long rowStride) {
        return new Logits(address, type, batch, rows, vocab, batchStride, rowStride, null);
    }

    /** The remaining elements of a direct buffer, row by row. */
    public static Logits of(FloatBuffer buffer, int rows, int vocab) {
        if (!buffer.isDirect()) {
            throw new IllegalArgumentException("buffer is not direct; use copyOf for arrays");
        }
        requireElements(buffer.remaining(), rows, vocab);
        NativeLibrary.require();
        FloatPointer pointer = new FloatPointer(buffer);
        long start = pointer.address() + 4L * pointer.position();
        return new Logits(start, Type.F32, 1, rows, vocab, 0, vocab, pointer);
    }

    /** A native copy of {@code values}, row by row. */
    public static Logits copyOf(float[] values, int rows, int vocab) {
        requireElements(values.length, rows, vocab);
        NativeLibrary.require();
        FloatPointer pointer = new FloatPointer(values);
        return new Logits(pointer.address(), Type.F32, 1, rows, vocab, 0, vocab, pointer);
    }

    private static void requireElements(long elements, int rows, int vocab) {
        if (elements != (long) rows * vocab) {
            throw new IllegalArgumentException(
                    elements + " elements are given, " + rows + " rows of " + vocab + " need " + (long) rows * vocab);
        }
    }

    /** This view with the unconditional logits of classifier-free guidance, of the same shape. */
    public Logits guidedBy(Logits other) {
        if (other.batch != batch || other.rows != rows || other.vocab != vocab) {
            throw new IllegalArgumentException(
                    "unconditional is " + other.shape() + ", the conditional logits are " + shape());
        }
        if (other.type != type) {
            throw new IllegalArgumentException(
                    "unconditional is " + other.type + ", the conditional logits are " + type);
        }
        Logits guided = new Logits(address, type, batch, rows, vocab, batchStride, rowStride, keptAlive);
        guided.unconditional = other;
        return guided;
    }

    /** Row {@code i} of every sequence, with its unconditional half. */
    public Logits row(int i) {
        if (i < 0 || i >= rows) {
            throw new IndexOutOfBoundsException("i is " + i + ", there are " + rows + " rows");
        }
        long start = address + i * rowStride * (type == Type.F32 ? 4 : 2);
        Logits row = new Logits(start, type, batch, 1, vocab, batchStride, rowStride, keptAlive);
        row.unconditional = unconditional == null ? null : unconditional.row(i);
        return row;
    }

    /** Whether this is the Java side's own memory, which no device reads. */
    boolean isHost() {
        return keptAlive != null;
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
    public Logits unconditional() {
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
}
