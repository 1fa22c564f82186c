package org.coolsd.training.evaluation;

import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.coolsd.libtorch.Weights;

/** A small convolutional classifier of 28 x 28 pictures: it evaluates generated images and is never part of generation. */
public final class Classifier {
    /** Width of the features that Frechet distances are taken in. */
    public static final int FEATURES = 128;

    private static final long[] ONE = {1, 1};
    private static final long[] TWO = {2, 2};
    private static final long[] NONE = {0, 0};
    private final Weights weights;

    /** A classifier over {@code weights}. */
    public Classifier(Weights weights) {
        this.weights = weights;
    }

    /** Fresh weights, He-initialised. */
    public static Weights initialise(int classes) {
        Map<String, Tensor> w = new LinkedHashMap<>();
        layer(w, "conv1", 32, 1, 3, 3);
        layer(w, "conv2", 64, 32, 3, 3);
        layer(w, "conv3", 64, 64, 3, 3);
        layer(w, "fc1", FEATURES, 64 * 7 * 7);
        layer(w, "fc2", classes, FEATURES);
        return new Weights(w);
    }

    private static void layer(Map<String, Tensor> w, String name, long... shape) {
        long in = 1;
        for (int i = 1; i < shape.length; i++) {
            in *= shape[i];
        }
        w.put(
                name + ".weight",
                torch.randn(shape, new TensorOptions(torch.ScalarType.Float)).mul_(new Scalar(Math.sqrt(2.0 / in))));
        w.put(name + ".bias", torch.zeros(shape[0]));
    }

    /**
     * @param pictures f32 [b, 3, 28, 28] in [-1, 1]; the first channel is read
     * @return f32 [b, FEATURES]
     */
    public Tensor features(Tensor pictures) {
        Tensor h = torch.relu(conv(pictures.narrow(1, 0, 1), "conv1"));
        h = torch.max_pool2d(h, TWO, TWO, NONE, ONE, false);
        h = torch.relu(conv(h, "conv2"));
        h = torch.relu(conv(h, "conv3"));
        h = torch.max_pool2d(h, TWO, TWO, NONE, ONE, false);
        return torch.relu(linear(h.flatten(1, 3), "fc1"));
    }

    /** Class logits f32 [b, classes] of features. */
    public Tensor logits(Tensor features) {
        return linear(features, "fc2");
    }

    private Tensor conv(Tensor x, String name) {
        return torch.conv2d(x, weights.get(name + ".weight", -1, x.size(1), 3, 3), bias(name), ONE, ONE, ONE, 1);
    }

    private Tensor linear(Tensor x, String name) {
        return torch.linear(x, weights.get(name + ".weight", -1, x.size(1)), bias(name));
    }

    private TensorOptional bias(String name) {
        return new TensorOptional(weights.get(name + ".bias", -1));
    }
}
