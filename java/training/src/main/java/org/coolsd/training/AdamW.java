package org.coolsd.training;

import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * AdamW (Loshchilov and Hutter 2019) with its moments as plain tensors by name, so that a checkpoint can hold
 * them: LibTorch's own optimiser does not hand them out in Java. Weight decay applies to tensors of two or more dimensions.
 */
final class AdamW {
    private static final double BETA1 = 0.9;
    private static final double BETA2 = 0.95;
    private static final double EPS = 1e-8;

    private final Map<String, Tensor> parameters;
    private final Map<String, Tensor> moments = new LinkedHashMap<>();
    private final double weightDecay;

    AdamW(Map<String, Tensor> parameters, double weightDecay) {
        this.parameters = parameters;
        this.weightDecay = weightDecay;
        parameters.forEach((name, p) -> {
            moments.put(name + ".m", torch.zeros_like(p));
            moments.put(name + ".v", torch.zeros_like(p));
        });
    }

    Map<String, Tensor> moments() {
        return moments;
    }

    /** One update with the gradients the parameters hold; {@code step} counts from 1. Gradients are cleared. */
    void update(long step, double learningRate) {
        Scalar gradientShare = new Scalar(1 - BETA1);
        Scalar squareKept = new Scalar(BETA2);
        Scalar squareShare = new Scalar(1 - BETA2);
        Scalar squareCorrection = new Scalar(1 / Math.sqrt(1 - Math.pow(BETA2, step)));
        Scalar eps = new Scalar(EPS);
        Scalar kept = new Scalar(1 - learningRate * weightDecay);
        Scalar minusRate = new Scalar(-learningRate / (1 - Math.pow(BETA1, step)));
        parameters.forEach((name, p) -> {
            Tensor gradient = p.grad();
            if (!gradient.defined()) {
                return;
            }
            Tensor m = moments.get(name + ".m").lerp_(gradient, gradientShare);
            Tensor v = moments.get(name + ".v").mul_(squareKept).addcmul_(gradient, gradient, squareShare);
            if (p.dim() > 1 && weightDecay > 0) {
                p.mul_(kept);
            }
            p.addcdiv_(m, v.sqrt().mul_(squareCorrection).add_(eps), minusRate);
            gradient.zero_();
        });
    }
}
