package org.coolsd;

import java.nio.FloatBuffer;
import java.util.Objects;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/**
 * A view of logits [rows, vocab] in memory that somebody else owns and keeps alive. Element (i, v) stands at address +
 * (i rowStride + v) elements; rows need only be aligned to their elements.
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

    private final Address address;
    private final Type type;
    private final int rows;
    private final int vocab;
    private final long rowStride;
    private final Object keptAlive;
    private Logits unconditional;

    private Logits(long address, Type type, int rows, int vocab, long rowStride, Object keptAlive) {
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
        this.address = new Address(address);
        this.rows = rows;
        this.vocab = vocab;
        this.rowStride = rowStride;
        this.keptAlive = keptAlive;
    }

    /** Memory at {@code address}, which must stay valid for as long as this view is used. */
    public static Logits at(long address, Type type, int rows, int vocab, long rowStride) {
        return new Logits(address, type, rows, vocab, rowStride, null);
    }

    /** The remaining elements of a direct buffer, row by row. */
    public static Logits of(FloatBuffer buffer, int rows, int vocab) {
        if (!buffer.isDirect()) {
            throw new IllegalArgumentException("buffer is not direct; use copyOf for arrays");
        }
        requireElements(buffer.remaining(), rows, vocab);
        FloatPointer pointer = new FloatPointer(buffer);
        long start = pointer.address() + 4L * pointer.position();
        return new Logits(start, Type.F32, rows, vocab, vocab, pointer);
    }

    /** A native copy of {@code values}, row by row. */
    public static Logits copyOf(float[] values, int rows, int vocab) {
        requireElements(values.length, rows, vocab);
        FloatPointer pointer = new FloatPointer(values);
        return new Logits(pointer.address(), Type.F32, rows, vocab, vocab, pointer);
    }

    private static void requireElements(long elements, int rows, int vocab) {
        if (elements != (long) rows * vocab) {
            throw new IllegalArgumentException(
                    elements + " elements are given, " + rows + " rows of " + vocab + " need " + (long) rows * vocab);
        }
    }

    /** This view with the unconditional logits of classifier-free guidance, of the same shape. */
    public Logits guidedBy(Logits other) {
        if (other.rows != rows || other.vocab != vocab) {
            throw new IllegalArgumentException("unconditional is [" + other.rows + ", " + other.vocab
                    + "], the conditional logits are [" + rows + ", " + vocab + "]");
        }
        Logits guided = new Logits(address.address(), type, rows, vocab, rowStride, keptAlive);
        guided.unconditional = other;
        return guided;
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

    Pointer pointer() {
        return address;
    }

    long rowStride() {
        return rowStride;
    }

    /** A pointer that owns nothing. */
    private static final class Address extends Pointer {
        Address(long address) {
            this.address = address;
        }
    }
}
