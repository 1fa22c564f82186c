package org.coolsd.models.vq;

import org.bytedeco.pytorch.Tensor;
import org.coolsd.libtorch.Tensors;
import org.coolsd.models.ImageCodes;
import org.coolsd.models.LoadedDecoder;

/** A VQ tokenizer as a maker of pictures. */
record VqDecoder(VqTokenizer tokenizer) implements LoadedDecoder {
    @Override
    public int codebookSize() {
        return tokenizer.config().codebookSize();
    }

    /** Each level but the finest halves the sides. */
    @Override
    public int scale() {
        return 1 << (tokenizer.config().chMult().length - 1);
    }

    @Override
    public Tensor decode(ImageCodes codes) {
        long[] ids = new long[codes.indices().length];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = codes.indices()[i];
            if (ids[i] < 0 || ids[i] >= codebookSize()) {
                throw new IllegalArgumentException(
                        "code " + ids[i] + " is none of the codebook's 0.." + (codebookSize() - 1));
            }
        }
        Tensor vectors = tokenizer.lookUp(Tensors.of(ids, 1, ids.length), codes.rows(), codes.columns());
        return tokenizer.decodeVectors(vectors).squeeze(0);
    }

    @Override
    public void close() {
        tokenizer.close();
    }
}
