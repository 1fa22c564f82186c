package org.coolsd.training.sweep;

/** What is measured of a cell. */
public enum Metric {
    /** Tokens a step, as the papers count. */
    ACCEPTED_LENGTH("acceptedLength"),
    /** Passes of the target for an image. */
    PASSES("targetPasses"),
    /** Modelled time of an image over that of plain sampling: see {@link Cost}. */
    COST("cost"),
    /** The mean over images of the sum of D: the first bound. */
    DRIFT("driftPerImage"),
    /** One minus the mean over images of the product of min(1, P/Phat): the second bound, at most 1. */
    SECOND_BOUND("secondBound"),
    /** Mean of log P of a token, natural. */
    LOG_PROB("logLikelihoodPerToken"),
    /** Frechet distance to the target's own images, in the classifier's features. */
    FRECHET("frechetToTarget"),
    /** The same to half of the test pictures. */
    FRECHET_TEST("frechetToTestPictures"),
    /** Total variation between the token histograms of these images and the target's. */
    HISTOGRAM("tokenHistogramDistance"),
    /** Share of the images that the classifier takes for their class. */
    AGREEMENT("classAgreement");

    private final String name;

    Metric(String name) {
        this.name = name;
    }

    /** Whether it is larger with fewer images, so that only cells with as many images can be compared. */
    boolean growsWithFewerImages() {
        return this == FRECHET || this == FRECHET_TEST || this == HISTOGRAM;
    }

    /** Its name in files. */
    @Override
    public String toString() {
        return name;
    }
}
