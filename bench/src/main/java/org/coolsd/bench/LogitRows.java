package org.coolsd.bench;

import java.util.Arrays;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.ShortPointer;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.coolsd.Logits;

/** Random logits [batch, rows, vocab] in one piece of memory that the library and every peer read. */
final class LogitRows {
    private final Tensor tensor;
    private final Logits.Type type;
    private final int batch;
    private final int rows;
    private final int vocab;
    private final long start;

    private LogitRows(Tensor values, Logits.Type type) {
        torch.ScalarType scalar =
                switch (type) {
                    case F32 -> torch.ScalarType.Float;
                    case F16 -> torch.ScalarType.Half;
                    case BF16 -> torch.ScalarType.BFloat16;
                };
        this.tensor = values.to(scalar).contiguous();
        this.type = type;
        batch = (int) tensor.size(0);
        rows = (int) tensor.size(1);
        vocab = (int) tensor.size(2);
        start = tensor.data_ptr().address();
    }

    /** Normal with deviation 2. */
    static LogitRows random(int batch, int rows, int vocab, Logits.Type type) {
        return new LogitRows(torch.randn(batch, rows, vocab).mul(new Scalar(2.0)), type);
    }

    /** The first {@code count} rows of every sequence with normal noise of deviation 1: what a drafter might say. */
    LogitRows near(int count) {
        Tensor first = tensor.to(torch.ScalarType.Float).narrow(1, 0, count);
        return new LogitRows(first.add(torch.randn(batch, count, vocab)), type);
    }

    /** The memory. */
    Tensor tensor() {
        return tensor;
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

    /** A copy of the rows of sequence {@code b} on the Java heap: float[] or, of bf16, the bits as short[]. */
    HeapRows heapRows(int b) {
        Tensor mine = tensor.select(0, b);
        int elements = rows * vocab;
        if (type == Logits.Type.F32) {
            float[] values = new float[elements];
            new FloatPointer(mine.data_ptr_float()).get(values);
            return new HeapRows(values, null);
        }
        if (type == Logits.Type.BF16) {
            short[] bits = new short[elements];
            new ShortPointer(mine.data_ptr()).get(bits);
            return new HeapRows(null, bits);
        }
        throw new IllegalArgumentException("type is " + type + ", Java loops read F32 and BF16");
    }

    /** Rows on the Java heap, one of the two arrays. */
    record HeapRows(float[] values, short[] bits) {
        /** Element {@code i}; the test is the same in every turn of a loop, and the compiler takes it out. */
        float get(int i) {
            return bits == null ? values[i] : Float.intBitsToFloat(bits[i] << 16);
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
