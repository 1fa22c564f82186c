package org.coolsd.images.decoding;

/** What decoding has cost and yielded so far; all counts grow. */
public final class DecodingStats {
    private long images;
    private long tokens;
    private long steps;
    private long drafted;
    private long accepted;
    private double drift;
    private long draftNanos;
    private long targetNanos;
    private long verifyNanos;

    /** A decoder makes its own. */
    DecodingStats() {}

    void step(int drafted, int accepted) {
        steps++;
        tokens += accepted + 1L;
        this.drafted += drafted;
        this.accepted += accepted;
    }

    void time(long draft, long target, long verify) {
        draftNanos += draft;
        targetNanos += target;
        verifyNanos += verify;
    }

    void image(double drift) {
        images++;
        this.drift += drift;
    }

    /** Finished images. */
    public long images() {
        return images;
    }

    /** Tokens yielded, drawn ones included. */
    public long tokens() {
        return tokens;
    }

    /** Steps: one draft and one verification each. */
    public long steps() {
        return steps;
    }

    /** Draft tokens proposed. */
    public long drafted() {
        return drafted;
    }

    /** Draft tokens accepted. */
    public long accepted() {
        return accepted;
    }

    /** Tokens per step including the drawn one, as the papers count it. */
    public double acceptedLength() {
        return steps == 0 ? 0 : (double) tokens / steps;
    }

    /** Sum of D over the finished images. */
    public double drift() {
        return drift;
    }

    /** Mean over finished images of the sum of D: an estimate of a bound on TV(generated, target). */
    public double driftPerImage() {
        return images == 0 ? 0 : drift / images;
    }

    /** Nanoseconds in the drafter's passes. */
    public long draftNanos() {
        return draftNanos;
    }

    /** Nanoseconds in the target's passes. */
    public long targetNanos() {
        return targetNanos;
    }

    /** Nanoseconds in sampling drafts and verifying them. */
    public long verifyNanos() {
        return verifyNanos;
    }
}
