package org.coolsd.engine.model;

import org.bytedeco.pytorch.Tensor;

/**
 * Rotary position embedding. A pair (a, b) of a head's channels at a position with angle t becomes
 * (a cos t - b sin t, b cos t + a sin t): {@code x * cos + flip(x) * sin} with the sign in the table, two products
 * for queries and keys together.
 */
final class Rotary {
    private final Tensor cos;
    private final Tensor sin;

    private Rotary(float[] cos, float[] sin, int positions, int headDim) {
        long[] shape = {positions, 1, headDim / 2, 2};
        this.cos = Tensors.of(cos, shape);
        this.sin = Tensors.of(sin, shape);
    }

    /**
     * LlamaGen's two-dimensional embedding: the first half of a head's pairs turns with the row, the second with the
     * column; condition positions come first and have cosine and sine 0, as in the official code.
     *
     * @param grid image side in tokens
     */
    static Rotary grid(int grid, int conditions, int headDim, double base) {
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

    /** Turns {@code x} [batch, rows, heads, headDim], whose first row stands at {@code position}. */
    Tensor turn(Tensor x, long position) {
        long rows = x.size(1);
        Tensor paired = x.unflatten(-1, -1, 2);
        Tensor c = cos.narrow(0, position, rows);
        Tensor s = sin.narrow(0, position, rows);
        return paired.mul(c).addcmul_(paired.flip(-1), s).flatten(-2, -1);
    }

    long positions() {
        return cos.size(0);
    }
}
