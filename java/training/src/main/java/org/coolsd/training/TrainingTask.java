package org.coolsd.training;

import org.bytedeco.pytorch.Tensor;
import org.coolsd.libtorch.Weights;

/** What one of the four models learns: its weights, its examples and its loss. */
public interface TrainingTask {
    /** The weights; leaves that collect gradients. Tensors that stay fixed do not require any. */
    Weights weights();

    /** Number of training examples. */
    long examples();

    /**
     * The loss of one batch.
     *
     * @param indices i64 [batch], each in 0..examples()-1
     * @return a scalar that autograd follows
     */
    Tensor loss(Tensor indices);
}
