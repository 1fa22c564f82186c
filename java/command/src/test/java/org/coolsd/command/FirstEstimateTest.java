package org.coolsd.command;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class FirstEstimateTest {
    private static final long SECOND = 1_000_000_000L;

    private final AtomicLong clock = new AtomicLong(5 * SECOND);

    @Test
    void isSaidOnceAndNotAtOnce() {
        FirstEstimate estimate = new FirstEstimate(576, clock::get);
        clock.addAndGet(SECOND);
        assertThat(estimate.after(10)).isEmpty();
        clock.addAndGet(2 * SECOND);
        assertThat(estimate.after(0)).isEmpty();
        assertThat(estimate.after(48)).hasValue("the first image takes about 36 s");
        clock.addAndGet(SECOND);
        assertThat(estimate.after(60)).isEmpty();
    }

    @Test
    void shortWaitsAreNotWorthALine() {
        FirstEstimate estimate = new FirstEstimate(576, clock::get);
        clock.addAndGet(3 * SECOND);
        assertThat(estimate.after(400)).isEmpty();
        assertThat(estimate.after(401)).isEmpty();
    }

    @Test
    void longOnesAreInMinutes() {
        FirstEstimate estimate = new FirstEstimate(4096, clock::get);
        clock.addAndGet(3 * SECOND);
        assertThat(estimate.after(16)).hasValue("the first image takes about 13 min");
    }
}
