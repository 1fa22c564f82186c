package org.coolsd.onnxmodels;

/**
 * The numbers of a class-conditional LlamaGen, and of an EAGLE drafter for it.
 *
 * @param dim width
 * @param layers of the target
 * @param heads attention heads; dim / heads is a multiple of 4
 * @param hidden feed-forward width
 * @param vocab image tokens
 * @param classes not counting the null class of guidance
 * @param grid side of the image in tokens
 */
public record LlamaGenShape(int dim, int layers, int heads, int hidden, int vocab, int classes, int grid) {
    /** Those of models/fashion. */
    public static LlamaGenShape fashion() {
        return new LlamaGenShape(128, 12, 4, 352, 256, 10, 14);
    }

    /** Tokens of an image. */
    public int tokens() {
        return grid * grid;
    }

    /** The input id that stands for a class; {@code classes} is the null class. Image tokens are their own ids. */
    public int classId(int label) {
        return vocab + label;
    }

    int headDim() {
        return dim / heads;
    }
}
