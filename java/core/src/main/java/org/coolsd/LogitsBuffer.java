package org.coolsd;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.ShortBuffer;
import java.util.Objects;
import org.bytedeco.javacpp.Pointer;
import org.coolsd.internal.NativeLibrary;
import org.jspecify.annotations.Nullable;

/**
 * Native memory [rows, vocab] for an engine whose logits are Java arrays: allocated once, filled row by row, viewed as
 * {@link Logits}. Neither filling nor viewing allocates, once a view of those rows has been made. With guidance there is a
 * second row for each, the unconditional one.
 *
 * <p>Closing frees the memory; views that are left then refuse to be read, and a call that reads one keeps it from being
 * closed. Rows may be filled by several threads, each its own; not while a call reads them.
 */
public final class LogitsBuffer implements AutoCloseable {
    /** A cache line, which is what the fastest loads want. */
    private static final int ALIGNMENT = 64;

    private final Logits.Type type;
    private final int rows;
    private final int vocab;
    private final boolean guided;
    private final long start;
    /** One of each row and half, f32 or 16 bits by type; the other array is empty. */
    private final FloatBuffer[] floats;

    private final ShortBuffer[] shorts;
    /** By first row and count. */
    private final @Nullable Logits[][] views;

    /** Used for one copy at a time, so that a copy allocates nothing. */
    private final NativeMemory.Address copyTo = new NativeMemory.Address(0);

    private final NativeMemory.Address copyFrom = new NativeMemory.Address(0);
    private final Guard guard;

    /** What is freed once; it must not know the buffer. */
    private record Memory(Pointer allocated) implements Runnable {
        @Override
        public void run() {
            Pointer.free(allocated);
        }
    }

    private LogitsBuffer(Logits.Type type, int rows, int vocab, boolean guided) {
        if (rows < 1) {
            throw new IllegalArgumentException("rows is " + rows + ", it must be at least 1");
        }
        if (vocab < 2) {
            throw new IllegalArgumentException("vocab is " + vocab + ", it must be at least 2");
        }
        NativeLibrary.require();
        this.type = Objects.requireNonNull(type, "type");
        this.rows = rows;
        this.vocab = vocab;
        this.guided = guided;
        int all = Math.multiplyExact(rows, guided ? 2 : 1);
        int rowBytes = Math.multiplyExact(vocab, type.size());
        long size = (long) all * rowBytes;
        Pointer allocated = Pointer.calloc(size + ALIGNMENT, 1);
        if (allocated == null || allocated.isNull()) {
            throw new CoolsdException("there is no memory for " + size + " bytes of logits");
        }
        guard = new Guard(this, "the logits buffer", new Memory(allocated));
        start = (allocated.address() + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        boolean wide = type == Logits.Type.F32;
        floats = new FloatBuffer[wide ? all : 0];
        shorts = new ShortBuffer[wide ? 0 : all];
        for (int row = 0; row < all; row++) {
            ByteBuffer bytes = new NativeMemory.Address(start + (long) row * rowBytes)
                    .limit(rowBytes)
                    .asByteBuffer()
                    .order(ByteOrder.nativeOrder());
            if (wide) {
                floats[row] = bytes.asFloatBuffer();
            } else {
                shorts[row] = bytes.asShortBuffer();
            }
        }
        views = new Logits[rows][];
    }

    /** Memory of {@code rows} rows, zeroed. */
    public static LogitsBuffer of(Logits.Type type, int rows, int vocab) {
        return new LogitsBuffer(type, rows, vocab, false);
    }

    /** Memory of {@code rows} rows and as many unconditional ones, zeroed; views have both halves. */
    public static LogitsBuffer guided(Logits.Type type, int rows, int vocab) {
        return new LogitsBuffer(type, rows, vocab, true);
    }

    /** Rows, without the unconditional ones. */
    public int rows() {
        guard.require();
        return rows;
    }

    /** Vocabulary size. */
    public int vocab() {
        guard.require();
        return vocab;
    }

    /** Element type. */
    public Logits.Type type() {
        guard.require();
        return type;
    }

    /** Whether there are unconditional rows. */
    public boolean isGuided() {
        guard.require();
        return guided;
    }

    /** Fills row {@code row}. @param values [vocab], rounded to nearest, ties to even, where the type is narrower */
    public void put(int row, float[] values) {
        put(row, values, 0);
    }

    /** Fills row {@code row} with the values from {@code from} on. */
    public void put(int row, float[] values, int from) {
        requireRow(row);
        fill(row, values, from);
    }

    /** Fills unconditional row {@code row} with the values from {@code from} on. */
    public void putUnconditional(int row, float[] values, int from) {
        requireRow(row);
        requireGuided();
        fill(rows + row, values, from);
    }

    /** Fills row {@code row} with the bits of half-precision numbers of this type, from {@code from} on. */
    public void put(int row, short[] bits, int from) {
        requireRow(row);
        fill(row, bits, from);
    }

    /** Fills unconditional row {@code row} likewise. */
    public void putUnconditional(int row, short[] bits, int from) {
        requireRow(row);
        requireGuided();
        fill(rows + row, bits, from);
    }

    /**
     * Fills row {@code row} with a copy of a row that stands elsewhere in host memory, in a view [1, vocab] of this buffer's
     * type; both halves if the buffer is guided.
     */
    public void put(int row, Logits from) {
        guard.require();
        if (from.rows() != 1) {
            throw refusal(from);
        }
        put(row, from, 0);
    }

    /** Fills row {@code row} with a copy of row {@code fromRow} of a view [rows, vocab], likewise. */
    public void put(int row, Logits from, int fromRow) {
        guard.require();
        requireRow(row);
        if (from.batch() != 1 || from.vocab() != vocab || from.type() != type) {
            throw refusal(from);
        }
        Objects.checkIndex(fromRow, from.rows());
        Logits unconditional = from.unconditional();
        if ((unconditional != null) != guided) {
            throw new IllegalArgumentException(
                    "from is " + from + ", the buffer is " + (guided ? "" : "not ") + "guided");
        }
        fill(row, from, fromRow);
        if (unconditional != null) {
            fill(rows + row, unconditional, fromRow);
        }
    }

    private IllegalArgumentException refusal(Logits from) {
        return new IllegalArgumentException(
                "from is " + from + ", it must be Logits[1, " + vocab + "] of " + type + ", as the buffer");
    }

    private void fill(int at, Logits from, int fromRow) {
        long bytes = (long) vocab * type.size();
        Guard other = from.guard();
        guard.share();
        try {
            hold(other);
            try {
                synchronized (copyTo) {
                    Pointer.memmove(
                            copyTo.at(start + at * bytes),
                            copyFrom.at(from.address() + fromRow * from.rowStride() * type.size()),
                            bytes);
                }
            } finally {
                Guard.unshare(other);
            }
        } finally {
            guard.unshare();
            Reference.reachabilityFence(from);
            Reference.reachabilityFence(this);
        }
    }

    private static void hold(@Nullable Guard other) {
        if (other != null) {
            other.share();
        }
    }

    private void fill(int at, float[] values, int from) {
        Objects.checkFromIndexSize(from, vocab, values.length);
        guard.share();
        try {
            if (type == Logits.Type.F32) {
                floats[at].put(0, values, from, vocab);
            } else {
                ShortBuffer to = shorts[at];
                for (int v = 0; v < vocab; v++) {
                    to.put(v, type == Logits.Type.F16 ? half(values[from + v]) : upperHalf(values[from + v]));
                }
            }
        } finally {
            guard.unshare();
            Reference.reachabilityFence(this);
        }
    }

    private void fill(int at, short[] bits, int from) {
        if (type == Logits.Type.F32) {
            throw new IllegalArgumentException("the buffer is of F32, 16-bit numbers are for F16 and BF16");
        }
        Objects.checkFromIndexSize(from, vocab, bits.length);
        guard.share();
        try {
            shorts[at].put(0, bits, from, vocab);
        } finally {
            guard.unshare();
            Reference.reachabilityFence(this);
        }
    }

    /** The bits of the nearest bf16, ties to even; NaN stays NaN. */
    static short upperHalf(float x) {
        int bits = Float.floatToRawIntBits(x);
        if (Float.isNaN(x)) {
            return (short) (bits >>> 16 | 0x40);
        }
        return (short) (bits + 0x7fff + (bits >>> 16 & 1) >>> 16);
    }

    /** The bits of the nearest f16, ties to even; beyond 65504 it is infinite, NaN stays NaN. */
    static short half(float x) {
        int bits = Float.floatToRawIntBits(x);
        int sign = bits >>> 16 & 0x8000;
        int magnitude = bits & 0x7fffffff;
        if (magnitude > 0x7f800000) {
            return (short) (sign | 0x7e00);
        }
        // From half of a place above the largest on, which would round to 2^16.
        if (magnitude >= 0x477ff000) {
            return (short) (sign | 0x7c00);
        }
        if (magnitude < 0x38800000) {
            // Below 2^-14 the places of f16 are multiples of 2^-24, which is the place of a float near 0.5.
            float aligned = Float.intBitsToFloat(magnitude) + 0.5f;
            return (short) (sign | Float.floatToRawIntBits(aligned) - 0x3f000000);
        }
        int rounded = magnitude + 0xfff + (magnitude >>> 13 & 1);
        return (short) (sign | (rounded >>> 13) - (112 << 10));
    }

    /** The first {@code count} rows. */
    public Logits logits(int count) {
        return logits(0, count);
    }

    /** Rows {@code first} to {@code first + count}, with their unconditional halves if the buffer is guided. */
    public Logits logits(int first, int count) {
        guard.require();
        if (first < 0 || count < 1 || first > rows - count) {
            throw new IndexOutOfBoundsException(
                    "rows " + first + " to " + ((long) first + count) + " are not in 0 to " + rows);
        }
        synchronized (views) {
            if (views[first] == null) {
                views[first] = new Logits[rows - first + 1];
            }
            Logits view = views[first][count];
            if (view == null) {
                view = view(first, count);
                if (guided) {
                    view = view.guidedBy(view(rows + first, count));
                }
                views[first][count] = view;
            }
            return view;
        }
    }

    private Logits view(int first, int count) {
        return Logits.guarded(start + (long) first * vocab * type.size(), type, count, vocab, this, guard);
    }

    private void requireRow(int row) {
        if (row < 0 || row >= rows) {
            throw new IndexOutOfBoundsException("row is " + row + ", there are " + rows + " rows");
        }
    }

    private void requireGuided() {
        if (!guided) {
            throw new IllegalStateException("the logits buffer has no unconditional rows; make it with guided");
        }
    }

    /**
     * Frees the memory.
     *
     * @throws IllegalStateException if a call uses it
     */
    @Override
    public void close() {
        guard.close();
    }
}
