package org.coolsd.training;

import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.coolsd.libtorch.Precision;
import org.coolsd.libtorch.Weights;
import org.coolsd.models.llamagen.LlamaGen;
import org.coolsd.models.llamagen.LlamaGenConfig;

/**
 * The target: cross-entropy of the next token. One label in ten is replaced by the null class, which is what
 * classifier-free guidance needs (Ho and Salimans 2022).
 */
public final class TargetTask implements TrainingTask {
    private static final double LABEL_DROPOUT = 0.1;
    private final Tensor tokens;
    private final Tensor labels;
    private final LlamaGenConfig config;
    private final Weights weights;
    private final LlamaGen model;

    /**
     * @param tokens i64 [n, blockSize]
     * @param labels i64 [n]
     */
    public TargetTask(Tensor tokens, Tensor labels, LlamaGenConfig config) {
        this.tokens = tokens;
        this.labels = labels;
        this.config = config;
        this.weights = LlamaGen.initialise(config);
        weights.trainable();
        this.model = LlamaGen.forTraining(config, weights, Precision.BF16);
    }

    @Override
    public Weights weights() {
        return weights;
    }

    @Override
    public long examples() {
        return tokens.size(0);
    }

    @Override
    public Tensor loss(Tensor indices) {
        Tensor images = torch.index_select(tokens, 0, indices);
        Tensor dropped = torch.rand(indices.size(0)).lt(new Scalar(LABEL_DROPOUT));
        Tensor classes =
                torch.index_select(labels, 0, indices).masked_fill(dropped, new Scalar((double) config.nullClass()));
        Tensor features = model.features(classes, images.narrow(1, 0, images.size(1) - 1));
        return torch.cross_entropy_loss(model.logits(features).flatten(0, 1), images.flatten());
    }
}
