package org.coolsd.bench;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.coolsd.Logits;

/** Random logits [batch, rows, vocab] in one piece of memory that the library and every peer read; F32 or BF16. */
final class LogitRows {
    /** A cache line, which is what LibTorch aligns its own tensors to. */
    private static final int ALIGNMENT = 64;

    /** What {@link #near} goes on with: the same calls give the same logits, and no two rows are alike. */
    private final SplittableRandom random;

    private final int batch;
    private final int rows;
    private final int vocab;
    private final Logits.Type type;
    private final ByteBuffer memory;
    private final long start;

    private LogitRows(int batch, int rows, int vocab, Logits.Type type, SplittableRandom random) {
        if (type == Logits.Type.F16) {
            throw new IllegalArgumentException("type is F16, the peers read F32 and BF16");
        }
        this.batch = batch;
        this.rows = rows;
        this.vocab = vocab;
        this.type = type;
        this.random = random;
        int bytes = Math.toIntExact(batch * rows * rowBytes());
        // A slice loses up to a line at either end.
        memory = ByteBuffer.allocateDirect(bytes + 2 * ALIGNMENT)
                .alignedSlice(ALIGNMENT)
                .order(ByteOrder.nativeOrder());
        start = new Pointer(memory).address();
    }

    /** Normal with deviation 2. */
    static LogitRows random(int batch, int rows, int vocab, Logits.Type type) {
        LogitRows made = new LogitRows(batch, rows, vocab, type, new SplittableRandom(1));
        for (int i = 0; i < batch * rows * vocab; i++) {
            made.put(i, 2 * made.random.nextGaussian());
        }
        return made;
    }

    /** The first {@code count} rows of every sequence with normal noise of deviation 1: what a drafter might say. */
    LogitRows near(int count) {
        LogitRows near = new LogitRows(batch, count, vocab, type, random);
        for (int b = 0; b < batch; b++) {
            for (int i = 0; i < count * vocab; i++) {
                near.put(b * count * vocab + i, get(b * rows * vocab + i) + random.nextGaussian());
            }
        }
        return near;
    }

    private void put(int i, double value) {
        if (type == Logits.Type.F32) {
            memory.putFloat(4 * i, (float) value);
        } else {
            // Half of the last place that stays, so that what is cut off is rounded.
            memory.putShort(2 * i, (short) (Float.floatToRawIntBits((float) value) + 0x8000 >> 16));
        }
    }

    private float get(int i) {
        return type == Logits.Type.F32 ? memory.getFloat(4 * i) : widen(memory.getShort(2 * i));
    }

    private static float widen(short bits) {
        return Float.intBitsToFloat(bits << 16);
    }

    int rows() {
        return rows;
    }

    int vocab() {
        return vocab;
    }

    /** Bytes of one row. */
    long rowBytes() {
        return (long) vocab * (type == Logits.Type.F32 ? 4 : 2);
    }

    /** Address of row {@code i} of sequence {@code b}. */
    long address(int b, int i) {
        return start + ((long) b * rows + i) * rowBytes();
    }

    /** The library's view. */
    Logits view() {
        return Logits.at(start, type, batch, rows, vocab, (long) rows * vocab, vocab);
    }

    /** The memory's first byte, for C. */
    Pointer pointer() {
        return new Pointer(memory);
    }

    /** LibTorch's view, valid as long as these rows. */
    Tensor tensor() {
        torch.ScalarType scalar = type == Logits.Type.F32 ? torch.ScalarType.Float : torch.ScalarType.BFloat16;
        return torch.from_blob(pointer(), new long[] {batch, rows, vocab}, new TensorOptions(scalar));
    }

    /** A copy of the rows of sequence {@code b} on the Java heap. */
    HeapRows heapRows(int b) {
        int elements = rows * vocab;
        if (type == Logits.Type.F32) {
            float[] values = new float[elements];
            memory.asFloatBuffer().get(b * elements, values);
            return new HeapRows(values, null);
        }
        short[] bits = new short[elements];
        memory.asShortBuffer().get(b * elements, bits);
        return new HeapRows(null, bits);
    }

    /** Rows on the Java heap, one of the two arrays: f32, or the bits of bf16. */
    record HeapRows(float[] values, short[] bits) {
        /** Element {@code i}; the test is the same in every turn of a loop, and the compiler takes it out. */
        float get(int i) {
            return bits == null ? values[i] : widen(bits[i]);
        }

        /** Elements [from, to) as f32. */
        float[] copy(int from, int to) {
            if (bits == null) {
                return Arrays.copyOfRange(values, from, to);
            }
            float[] copy = new float[to - from];
            for (int i = from; i < to; i++) {
                copy[i - from] = get(i);
            }
            return copy;
        }
    }
}
