package org.coolsd.training;

/**
 * How long and how fast to learn.
 *
 * @param steps updates
 * @param batch examples per update
 * @param learningRate the highest; reached after a linear warm-up, left along a cosine to a twentieth
 * @param weightDecay of AdamW
 * @param seed of initial weights, order of the examples and dropout
 */
public record TrainingPlan(long steps, int batch, double learningRate, double weightDecay, long seed) {
    /** Refuses plans that cannot be run. */
    public TrainingPlan {
        if (steps < 1) {
            throw new IllegalArgumentException("steps is " + steps + ", at least 1 is needed");
        }
        if (batch < 1) {
            throw new IllegalArgumentException("batch is " + batch + ", at least 1 is needed");
        }
        if (!(learningRate > 0 && learningRate <= 1)) {
            throw new IllegalArgumentException(
                    "learning rate is " + learningRate + ", it must be above 0 and at most 1");
        }
    }

    /** The learning rate of update {@code step}, counted from 0. */
    double rate(long step) {
        double warm = Math.min(1, (step + 1) / (0.03 * steps + 1));
        double cosine = 0.5 * (1 + Math.cos(Math.PI * step / steps));
        return learningRate * warm * (0.05 + 0.95 * cosine);
    }
}
