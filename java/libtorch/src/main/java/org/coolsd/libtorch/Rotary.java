package org.coolsd.libtorch;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * Rotary position embedding. A pair (a, b) of a head's channels at a position with angle t becomes
 * (a cos t - b sin t, b cos t + a sin t): {@code x * cos + flip(x) * sin} with the sign in the table, two products
 * for queries and keys together.
 */
public final class Rotary implements AutoCloseable {
    private final Tensor cos;
    private final Tensor sin;

    private Rotary(float[] cos, float[] sin, int positions, int headDim) {
        this(Tensors.of(cos, positions, 1, headDim / 2, 2), Tensors.of(sin, positions, 1, headDim / 2, 2));
    }

    private Rotary(Tensor cos, Tensor sin) {
        this.cos = cos.retainReference();
        this.sin = sin.retainReference();
    }

    /**
     * LlamaGen's two-dimensional embedding of an image: the first half of a head's pairs turns with the row, the second with the
     * column; condition positions come first and have cosine and sine 0, as in the official code.
     *
     * @param grid image side in tokens
     * @param conditions positions before the image
     * @param headDim channels of a head, a multiple of 4
     * @param base of the frequencies
     */
    public static Rotary grid(int grid, int conditions, int headDim, double base) {
        int half = headDim / 2;
        int quarter = half / 2;
        int positions = conditions + grid * grid;
        float[] cos = new float[positions * headDim];
        float[] sin = new float[positions * headDim];
        for (int p = conditions; p < positions; p++) {
            int row = (p - conditions) / grid;
            int column = (p - conditions) % grid;
            for (int j = 0; j < half; j++) {
                float frequency = (float) (1 / Math.pow(base, 2.0 * (j % quarter) / half));
                float angle = (j < quarter ? row : column) * frequency;
                int at = p * headDim + 2 * j;
                cos[at] = cos[at + 1] = (float) Math.cos(angle);
                sin[at] = (float) -Math.sin(angle);
                sin[at + 1] = (float) Math.sin(angle);
            }
        }
        return new Rotary(cos, sin, positions, headDim);
    }

    /**
     * The embedding of text: all pairs of a head turn with the position. Pairs are neighbours here; a model that turns
     * channel j with channel j + headDim / 2 has its channels put in this order by {@link #neighbours}.
     *
     * @param positions from 0 on
     * @param headDim channels of a head, even
     * @param base of the frequencies
     */
    public static Rotary line(int positions, int headDim, double base) {
        float[] cos = new float[Math.multiplyExact(positions, headDim)];
        float[] sin = new float[cos.length];
        for (int j = 0; j < headDim / 2; j++) {
            float frequency = (float) (1 / Math.pow(base, 2.0 * j / headDim));
            for (int p = 0; p < positions; p++) {
                float angle = p * frequency;
                int at = p * headDim + 2 * j;
                cos[at] = cos[at + 1] = (float) Math.cos(angle);
                sin[at] = (float) -Math.sin(angle);
                sin[at + 1] = (float) Math.sin(angle);
            }
        }
        return new Rotary(cos, sin, positions, headDim);
    }

    /**
     * Puts the channels of heads whose pairs are (j, j + headDim / 2), as in Hugging Face's models, in the order in which
     * pairs are neighbours. Scores of queries and keys stay what they were if both are put in it.
     *
     * @param channels [heads headDim, ...]: rows of a matrix, or what belongs to a channel
     * @return a new tensor of the same shape
     */
    public static Tensor neighbours(Tensor channels, int headDim) {
        return channels.unflatten(0, -1, 2, headDim / 2).transpose(1, 2).flatten(0, 2);
    }

    /** {@link #neighbours(Tensor, int)} of a matrix whose rows are the channels: it too is read a few rows at a time. */
    public static Matrix neighbours(Matrix channels, int headDim) {
        return new Matrix() {
            @Override
            public long rows() {
                return channels.rows();
            }

            @Override
            public long columns() {
                return channels.columns();
            }

            @Override
            public Tensor read(long first, long n) {
                List<Tensor> parts = new ArrayList<>();
                for (long row = first; row < first + n; ) {
                    long from = row % headDim;
                    long to = Math.min(headDim, from + first + n - row);
                    parts.add(readOfHead(channels, row - from, headDim / 2, from, to));
                    row += to - from;
                }
                return parts.size() == 1 ? parts.get(0) : torch.cat(new TensorVector(parts.toArray(new Tensor[0])), 0);
            }
        };
    }

    /** Channels from..to - 1 of the head whose rows begin at {@code head}: row 2 j is the head's j, row 2 j + 1 its half + j. */
    private static Tensor readOfHead(Matrix channels, long head, long half, long from, long to) {
        long pair = from / 2;
        long pairs = (to + 1) / 2 - pair;
        return torch.stack(
                        new TensorVector(channels.read(head + pair, pairs), channels.read(head + half + pair, pairs)),
                        1)
                .flatten(0, 1)
                .narrow(0, from - 2 * pair, to - from);
    }

    /**
     * The embedding of rows that begin at another position: row i is turned as position {@code first + i} is here, or as
     * position 0 where that is below 0. The caller closes it.
     *
     * @param rows at least 1
     */
    public Rotary from(int first, int rows) {
        long[] positions = new long[rows];
        Arrays.setAll(positions, i -> Math.max(0, first + i));
        Tensor index = Tensors.of(positions, rows);
        return new Rotary(torch.index_select(cos, 0, index), torch.index_select(sin, 0, index));
    }

    /** Turns {@code x} [batch, rows, heads, headDim], rows of positions 0 and on. */
    Tensor turn(Tensor x) {
        long rows = x.size(1);
        Tensor paired = x.unflatten(-1, -1, 2);
        Tensor c = cos.narrow(0, 0, rows);
        Tensor s = sin.narrow(0, 0, rows);
        return paired.mul(c).addcmul_(paired.flip(-1), s).flatten(-2, -1);
    }

    /** cos t + i sin t of every position and pair, complex [positions, 1, headDim / 2]: a turn is one product. */
    public Tensor complexTable() {
        Tensor real = cos.narrow(3, 0, 1);
        Tensor imaginary = sin.narrow(3, 1, 1);
        return torch.view_as_complex(torch.cat(new TensorVector(real, imaginary), 3));
    }

    @Override
    public void close() {
        cos.close();
        sin.close();
    }
}
