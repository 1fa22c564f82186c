package org.coolsd.training;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.coolsd.libtorch.Weights;
import org.coolsd.training.data.FashionMnist;
import org.coolsd.training.evaluation.Classifier;

/** The classifier: cross-entropy, with half of the batch mirrored and dropout on the features. */
public final class ClassifierTask implements TrainingTask {
    private final FashionMnist data;
    private final Weights weights;
    private final Classifier classifier;

    /** A fresh classifier over {@code data}. */
    public ClassifierTask(FashionMnist data) {
        this.data = data;
        this.weights = Classifier.initialise(FashionMnist.CLASSES.size());
        weights.trainable();
        this.classifier = new Classifier(weights);
    }

    @Override
    public Weights weights() {
        return weights;
    }

    @Override
    public long examples() {
        return data.size();
    }

    @Override
    public Tensor loss(Tensor indices) {
        long half = indices.size(0) / 2;
        Tensor pictures = data.pictures(indices);
        Tensor mirrored = torch.cat(
                new org.bytedeco.pytorch.TensorVector(
                        pictures.narrow(0, 0, half).flip(-1), pictures.narrow(0, half, indices.size(0) - half)),
                0);
        Tensor features = torch.dropout(classifier.features(mirrored), 0.4, true);
        return torch.cross_entropy_loss(classifier.logits(features), data.labels(indices));
    }
}
