package org.coolsd.decode;

import java.util.Arrays;

/**
 * Learns from the steps of one request how often draft tokens are accepted, apart for laws with a high and a low peak: a
 * drafter that is sure of a token is mostly right about the whole law.
 */
final class AdaptiveDrafts implements DraftPolicy.Decisions {
    private static final int BINS = 8;
    private static final double PRIOR_WEIGHT = 3;
    private final double reach;
    private final double[] tried = new double[BINS];
    private final double[] kept = new double[BINS];
    private int[] bins = new int[8];
    private int drafted;
    private double allAccepted = 1;

    AdaptiveDrafts(double reach) {
        this.reach = reach;
        for (int bin = 0; bin < BINS; bin++) {
            tried[bin] = PRIOR_WEIGHT;
            kept[bin] = PRIOR_WEIGHT * (0.6 + 0.4 * (bin + 0.5) / BINS);
        }
    }

    @Override
    public boolean another(int soFar) {
        return allAccepted >= reach;
    }

    @Override
    public void drawn(double peak) {
        int bin = Math.min(BINS - 1, (int) (peak * BINS));
        if (drafted == bins.length) {
            bins = Arrays.copyOf(bins, 2 * bins.length);
        }
        bins[drafted++] = bin;
        allAccepted *= kept[bin] / tried[bin];
    }

    @Override
    public void verified(int accepted) {
        for (int i = 0; i < Math.min(drafted, accepted + 1); i++) {
            tried[bins[i]]++;
            if (i < accepted) {
                kept[bins[i]]++;
            }
        }
        drafted = 0;
        allAccepted = 1;
    }
}
