package org.coolsd.models;

import org.bytedeco.pytorch.Tensor;

/** A model that makes pictures of codes, with its weights. */
public interface LoadedDecoder extends AutoCloseable {
    /** Entries of the codebook. */
    int codebookSize();

    /** Pixels of a code, along each side. */
    int scale();

    /**
     * The picture of {@code codes}. Called in the caller's pointer scope and without autograd.
     *
     * @return f32 [3, height, width], red, green, blue, nominally -1..1
     * @throws IllegalArgumentException if a code is none of the codebook
     */
    Tensor decode(ImageCodes codes);

    @Override
    void close();
}
