package org.coolsd.training.sweep;

import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.coolsd.libtorch.Tensors;
import org.coolsd.training.evaluation.Bootstrap;
import org.coolsd.training.evaluation.Estimate;
import org.coolsd.training.evaluation.FrechetDistance;
import org.coolsd.training.evaluation.PrecisionRecall;
import org.coolsd.training.evaluation.TokenHistogram;

/**
 * What was measured of a cell.
 *
 * @param images how many
 * @param estimates all metrics but those that the method does not have
 * @param manifold precision and recall against the target's images; null where there are too few
 * @param seconds that decoding took on whatever the machine did beside it
 */
public record Figures(
        Cell cell, int images, Map<Metric, Estimate> estimates, PrecisionRecall manifold, double seconds) {
    /** What cells are compared with; to be closed. */
    public static final class Reference implements AutoCloseable {
        private final CellImages target;
        private final int vocab;
        private final FrechetDistance toTarget;
        private final FrechetDistance toPictures;

        /**
         * @param target the target's own images
         * @param vocab tokens are 0..vocab-1
         * @param pictures features of real pictures f32 [n, d]
         */
        public Reference(CellImages target, int vocab, Tensor pictures) {
            this.target = target;
            this.vocab = vocab;
            try (PointerScope scope = new PointerScope()) {
                toTarget = new FrechetDistance(features(target, all(target)));
                toPictures = new FrechetDistance(pictures);
            }
        }

        @Override
        public void close() {
            toTarget.close();
            toPictures.close();
        }
    }

    /**
     * Measures the images of a cell.
     *
     * @param samples bootstrap samples; the same number for all cells that are compared
     */
    public static Figures of(Cell cell, CellImages images, Reference reference, int samples) {
        int n = images.size();
        Bootstrap bootstrap = Bootstrap.of(images.labels(), samples, cell.seed(0, 1));
        Map<Metric, Estimate> estimates = new EnumMap<>(Metric.class);
        int length = images.tokens()[0].length;
        double[] passes = Arrays.stream(images.passes()).asDoubleStream().toArray();
        Estimate mean = bootstrap.mean(passes);
        estimates.put(Metric.PASSES, mean);
        estimates.put(Metric.ACCEPTED_LENGTH, mean.map(p -> length / p));
        estimates.put(Metric.COST, mean.map(p -> p * Cost.ofStep(cell) / length));
        if (cell.method().hasDrift()) {
            estimates.put(Metric.DRIFT, bootstrap.mean(images.drift()));
            estimates.put(Metric.SECOND_BOUND, bootstrap.mean(images.kept()).map(kept -> 1 - kept));
        }
        estimates.put(Metric.LOG_PROB, bootstrap.mean(images.logProb()).map(sum -> sum / length));
        double[] agreed = new double[n];
        Arrays.setAll(agreed, i -> images.seen()[i] == images.labels()[i] ? 1 : 0);
        estimates.put(Metric.AGREEMENT, bootstrap.mean(agreed));
        if (cell.method() != Method.REFERENCE && n > 1 && reference.target.size() > 1) {
            TokenHistogram histogram = new TokenHistogram(images.tokens(), reference.vocab);
            TokenHistogram target = new TokenHistogram(reference.target.tokens(), reference.vocab);
            estimates.put(Metric.HISTOGRAM, bootstrap.ofDistance(draw -> histogram.distance(draw, target)));
            estimates.put(Metric.FRECHET, bootstrap.ofDistance(draw -> frechet(reference.toTarget, images, draw)));
        }
        if (n > 1) {
            estimates.put(
                    Metric.FRECHET_TEST, bootstrap.ofDistance(draw -> frechet(reference.toPictures, images, draw)));
        }
        boolean enough = Math.min(n, reference.target.size()) > 3 && cell.method() != Method.REFERENCE;
        return new Figures(
                cell,
                n,
                estimates,
                enough ? PrecisionRecall.of(images.features(), reference.target.features()) : null,
                images.seconds());
    }

    /** Whether the metric was measured. */
    public boolean has(Metric metric) {
        return estimates.containsKey(metric);
    }

    /** One of the estimates. */
    public Estimate get(Metric metric) {
        Estimate found = estimates.get(metric);
        if (found == null) {
            throw new IllegalArgumentException(cell.name() + " has no " + metric);
        }
        return found;
    }

    private static double frechet(FrechetDistance reference, CellImages images, int[] draw) {
        try (PointerScope scope = new PointerScope()) {
            return reference.of(features(images, draw));
        }
    }

    private static Tensor features(CellImages images, int[] draw) {
        int d = images.features()[0].length;
        float[] values = new float[draw.length * d];
        for (int i = 0; i < draw.length; i++) {
            System.arraycopy(images.features()[draw[i]], 0, values, i * d, d);
        }
        return Tensors.of(values, draw.length, d);
    }

    private static int[] all(CellImages images) {
        int[] all = new int[images.size()];
        Arrays.setAll(all, i -> i);
        return all;
    }
}
