package org.coolsd.training.evaluation;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * The Frechet distance of two sets of features, each taken as a Gaussian (Heusel et al. 2017): |m - n|^2 +
 * tr(A + B - 2 (A B)^(1/2)). Computed in f64; the trace of the root is the sum of the square roots of the eigenvalues of
 * A^(1/2) B A^(1/2), which is symmetric.
 */
public final class FrechetDistance {
    private FrechetDistance() {}

    /**
     * The distance between two sets of at least two feature vectors each.
     *
     * @param first f32 [n, d]
     * @param second f32 [m, d]
     */
    public static double between(Tensor first, Tensor second) {
        try (NoGradGuard guard = new NoGradGuard();
                PointerScope scope = new PointerScope()) {
            Tensor x = first.to(torch.ScalarType.Double);
            Tensor y = second.to(torch.ScalarType.Double);
            Tensor gap = x.mean(0).sub(y.mean(0));
            Tensor a = covariance(x);
            Tensor b = covariance(y);
            Tensor root = squareRoot(a);
            Tensor product = root.matmul(b).matmul(root);
            double rootTrace = notNegative(
                            torch.linalg_eigvalsh(symmetric(product), new org.bytedeco.javacpp.BytePointer("L")))
                    .sqrt()
                    .sum()
                    .item_double();
            return gap.square().sum().item_double()
                    + a.trace().item_double()
                    + b.trace().item_double()
                    - 2 * rootTrace;
        }
    }

    private static Tensor covariance(Tensor x) {
        Tensor centred = x.sub(x.mean(0));
        return centred.t().matmul(centred).div(new Scalar((double) (x.size(0) - 1)));
    }

    private static Tensor squareRoot(Tensor symmetric) {
        var eigen = torch.linalg_eigh(symmetric);
        Tensor vectors = eigen.get1();
        return vectors.mul(notNegative(eigen.get0()).sqrt()).matmul(vectors.t());
    }

    private static Tensor symmetric(Tensor x) {
        return x.add(x.t()).div(new Scalar(2.0));
    }

    private static Tensor notNegative(Tensor x) {
        return x.clamp(new ScalarOptional(new Scalar(0.0)));
    }
}
