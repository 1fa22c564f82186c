package org.coolsd.server;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Timer;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntSupplier;
import org.coolsd.decode.Result;
import org.jspecify.annotations.Nullable;

/** What the server measures of itself, for Prometheus. */
final class ServerMeters implements AutoCloseable {
    /** What became of a request. */
    enum Outcome {
        OK,
        REFUSED,
        FULL,
        TIMEOUT,
        FAILED,
        GONE
    }

    /** How much the last image counts in the mean of recent ones. */
    private static final double RECENT = 0.1;

    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final AtomicInteger running = new AtomicInteger();
    private final Map<Outcome, Counter> outcomes = new EnumMap<>(Outcome.class);
    private final Timer waiting = stage("queue");
    private final Timer decoding = stage("decode");
    private final Timer picture = stage("picture");
    private final Counter tokens = Counter.builder("coolsd.tokens")
            .description("tokens of complete images")
            .register(registry);
    private final DistributionSummary acceptedLength = DistributionSummary.builder("coolsd.accepted.length")
            .description("tokens a step, of complete images that were drafted")
            .serviceLevelObjectives(1, 2, 3, 4, 5, 6, 8, 10, 16, 32, 65)
            .register(registry);
    private final DistributionSummary drift = DistributionSummary.builder("coolsd.drift")
            .description("drift of complete images: an estimate of a bound on the distance to the target's law")
            .serviceLevelObjectives(0.01, 0.1, 0.5, 1, 2, 4, 8, 16, 32, 64)
            .register(registry);
    private volatile double recentSeconds = 1;

    ServerMeters(int slots) {
        for (Outcome outcome : Outcome.values()) {
            outcomes.put(
                    outcome,
                    Counter.builder("coolsd.requests")
                            .description("requests for images by what became of them")
                            .tag("outcome", outcome.name().toLowerCase(Locale.ROOT))
                            .register(registry));
        }
        Gauge.builder("coolsd.slots", () -> slots)
                .description("images that can be decoded side by side")
                .register(registry);
        Gauge.builder("coolsd.slots.busy", running::get)
                .description("images that are decoded now")
                .register(registry);
    }

    private Timer stage(String name) {
        return Timer.builder("coolsd.stage")
                .description("seconds of an image in each stage: waiting for a slot, in the slot, from tokens to PNG")
                .tag("stage", name)
                .publishPercentiles(0.5, 0.99)
                .register(registry);
    }

    /** Counts what waits as {@code inside} less what runs. */
    void watch(IntSupplier inside) {
        Gauge.builder("coolsd.queue.images", () -> Math.max(0, inside.getAsInt() - running.get()))
                .description("images that wait for a slot")
                .register(registry);
    }

    void begun() {
        running.incrementAndGet();
    }

    /** An image is over. @param begun whether it had a slot */
    void ended(boolean begun, double waited, double decoded, @Nullable Result result) {
        if (begun) {
            running.decrementAndGet();
        }
        waiting.record((long) (waited * 1e9), TimeUnit.NANOSECONDS);
        if (result != null) {
            decoding.record((long) (decoded * 1e9), TimeUnit.NANOSECONDS);
            recentSeconds += RECENT * (decoded - recentSeconds);
            tokens.increment(result.tokens().length);
            drift.record(result.drift());
            if (result.drafted() > 0) {
                acceptedLength.record(result.acceptedLength());
            }
        }
    }

    void pictured(long nanos) {
        picture.record(nanos, TimeUnit.NANOSECONDS);
    }

    void answered(Outcome outcome) {
        outcomes.get(outcome).increment();
    }

    /** Seconds that an image was in its slot, a mean that forgets. */
    double recentSeconds() {
        return recentSeconds;
    }

    /** In Prometheus' text format. */
    String text() {
        return registry.scrape();
    }

    @Override
    public void close() {
        registry.close();
    }
}
