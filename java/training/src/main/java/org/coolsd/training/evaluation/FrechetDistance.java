package org.coolsd.training.evaluation;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.coolsd.libtorch.OwnedTensors;

/**
 * The Frechet distance of two sets of features, each taken as a Gaussian (Heusel et al. 2017): |m - n|^2 +
 * tr(A + B - 2 (A B)^(1/2)). Computed in f64; the trace of the root is the sum of the square roots of the eigenvalues of
 * A^(1/2) B A^(1/2), which is symmetric.
 */
public final class FrechetDistance implements AutoCloseable {
    private final OwnedTensors owned = new OwnedTensors();
    private final Tensor mean;
    private final Tensor root;
    private final double trace;

    /**
     * Distances to {@code reference}, whose root is taken once.
     *
     * @param reference f32 [m, d], m at least 2
     */
    public FrechetDistance(Tensor reference) {
        try (NoGradGuard guard = new NoGradGuard();
                PointerScope scope = new PointerScope()) {
            Tensor y = reference.to(torch.ScalarType.Double);
            Tensor b = covariance(y);
            mean = owned.keep(y.mean(0));
            root = owned.keep(squareRoot(b));
            trace = b.trace().item_double();
        }
    }

    /** The distance between two sets of at least two feature vectors each, f32 [n, d] and [m, d]. */
    public static double between(Tensor first, Tensor second) {
        try (FrechetDistance reference = new FrechetDistance(second)) {
            return reference.of(first);
        }
    }

    /**
     * The distance of a set of features to the reference.
     *
     * @param features f32 [n, d], n at least 2
     */
    public double of(Tensor features) {
        try (NoGradGuard guard = new NoGradGuard();
                PointerScope scope = new PointerScope()) {
            Tensor x = features.to(torch.ScalarType.Double);
            Tensor a = covariance(x);
            Tensor product = root.matmul(a).matmul(root);
            double rootTrace = notNegative(
                            torch.linalg_eigvalsh(symmetric(product), new org.bytedeco.javacpp.BytePointer("L")))
                    .sqrt()
                    .sum()
                    .item_double();
            return x.mean(0).sub(mean).square().sum().item_double() + a.trace().item_double() + trace - 2 * rootTrace;
        }
    }

    /** Frees what is kept of the reference. */
    @Override
    public void close() {
        owned.close();
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
