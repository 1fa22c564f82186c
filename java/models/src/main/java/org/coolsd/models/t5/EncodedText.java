package org.coolsd.models.t5;

import java.util.Arrays;
import org.bytedeco.pytorch.Tensor;
import org.coolsd.libtorch.Tensors;

/**
 * A text as an encoder read it: one row a token, the end token's last. A model that reads a fixed number of positions gets
 * the rows in its last ones, behind zeros, as LlamaGen's sampling script has it.
 */
public final class EncodedText {
    private final float[] rows;
    private final int count;
    private final int width;

    EncodedText(float[] rows, int count) {
        this.rows = rows;
        this.count = count;
        this.width = rows.length / count;
    }

    /** Rows, which is tokens. */
    public int count() {
        return count;
    }

    /** Numbers in a row. */
    public int width() {
        return width;
    }

    /** The rows, one behind the other [count * width]: a copy. */
    public float[] rows() {
        return rows.clone();
    }

    /** The rows, f32 [count, width]: a copy, of the caller's pointer scope. */
    public Tensor embeddings() {
        return Tensors.of(rows, count, width);
    }

    /**
     * The rows behind zeros, f32 [positions, width]: a copy, of the caller's pointer scope.
     *
     * @throws IllegalArgumentException in one line, if there are more rows than positions
     */
    public Tensor leftPadded(int positions) {
        float[] padded = new float[positions * width];
        System.arraycopy(rows, 0, padded, padding(positions) * width, rows.length);
        return Tensors.of(padded, positions, width);
    }

    /**
     * Which of {@code positions} have a row, f32 [positions]: 0 where there are zeros, then 1.
     *
     * @throws IllegalArgumentException in one line, if there are more rows than positions
     */
    public Tensor mask(int positions) {
        float[] mask = new float[positions];
        Arrays.fill(mask, padding(positions), positions, 1);
        return Tensors.of(mask, positions);
    }

    private int padding(int positions) {
        if (positions < count) {
            throw new IllegalArgumentException(
                    "the text has " + count + " tokens, the model reads " + positions + "; shorten it");
        }
        return positions - count;
    }
}
