package org.coolsd.training;

import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.coolsd.libtorch.Precision;
import org.coolsd.libtorch.Weights;
import org.coolsd.models.eagle.EagleConfig;
import org.coolsd.models.eagle.EagleDrafter;
import org.coolsd.models.llamagen.LlamaGen;

/**
 * The drafter, trained as EAGLE does (Li et al. 2024): smooth L1 regression on the target's next feature, plus
 * cross-entropy against the target's distribution through the target's head. Noise on the input features stands for
 * the drafter's own errors.
 */
public final class DrafterTask implements TrainingTask {
    private static final double NOISE = 0.1;
    private static final double REGRESSION = 1.0;
    private static final double LABEL_DROPOUT = 0.1;
    private final Tensor tokens;
    private final Tensor labels;
    private final LlamaGen target;
    private final Weights weights;
    private final EagleDrafter drafter;

    /**
     * @param tokens i64 [n, blockSize]
     * @param labels i64 [n]
     * @param target in inference form; the drafter shares its token embedding
     */
    public DrafterTask(Tensor tokens, Tensor labels, LlamaGen target, EagleConfig config) {
        this.tokens = tokens;
        this.labels = labels;
        this.target = target;
        this.weights = EagleDrafter.initialise(config, target.tokenEmbedding());
        weights.trainable();
        weights.tensors().get("embed_tokens.weight").requires_grad_(false);
        this.drafter = EagleDrafter.forTraining(config, target.config().grid(), weights, Precision.BF16);
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
        Tensor inputs = images.narrow(1, 0, images.size(1) - 1);
        Tensor features;
        Tensor wanted;
        try (NoGradGuard guard = new NoGradGuard()) {
            Tensor dropped = torch.rand(indices.size(0)).lt(new Scalar(LABEL_DROPOUT));
            Tensor classes = torch.index_select(labels, 0, indices)
                    .masked_fill(dropped, new Scalar((double) target.config().nullClass()));
            features = target.features(classes, inputs);
            wanted = torch.softmax(target.logits(features.narrow(1, 1, inputs.size(1))), -1);
        }
        Tensor seen = features.narrow(1, 0, inputs.size(1));
        Tensor noisy = seen.add(torch.rand_like(seen).sub(new Scalar(0.5)).mul(new Scalar(2 * NOISE)));
        Tensor predicted = drafter.features(inputs, noisy);
        Tensor regression = torch.smooth_l1_loss(predicted, features.narrow(1, 1, inputs.size(1)));
        Tensor entropy = torch.log_softmax(target.logits(predicted), -1)
                .mul(wanted)
                .sum(-1)
                .mean()
                .neg();
        return entropy.add(regression.mul(new Scalar(REGRESSION)));
    }
}
