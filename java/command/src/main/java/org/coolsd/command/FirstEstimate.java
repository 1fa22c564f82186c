package org.coolsd.command;

import java.util.Locale;
import java.util.Optional;
import java.util.function.LongSupplier;

/** How long the first of several images will take, said once, early, and only where it is worth waiting for. */
public final class FirstEstimate {
    /** Nothing is said before so long: the first passes are slower than the others. */
    private static final long EARLIEST_NANOS = 2_000_000_000L;

    /** Nothing is said of less. */
    private static final double SHORTEST_SECONDS = 10;

    private final long tokens;
    private final LongSupplier clock;
    private final long start;
    private boolean said;

    /** From now on; {@code tokens} of all images that are made side by side with the first. */
    public FirstEstimate(long tokens) {
        this(tokens, System::nanoTime);
    }

    /** By a clock that counts nanoseconds. */
    FirstEstimate(long tokens, LongSupplier clock) {
        this.tokens = tokens;
        this.clock = clock;
        this.start = clock.getAsLong();
    }

    /** The line to say when {@code done} tokens are made, if it is time to. */
    public Optional<String> after(long done) {
        long nanos = clock.getAsLong() - start;
        if (said || done < 1 || nanos < EARLIEST_NANOS) {
            return Optional.empty();
        }
        said = true;
        double seconds = nanos / 1e9 * tokens / done;
        return seconds < SHORTEST_SECONDS
                ? Optional.empty()
                : Optional.of("the first image takes about " + text(seconds));
    }

    private static String text(double seconds) {
        return seconds < 100
                ? String.format(Locale.ROOT, "%.0f s", seconds)
                : String.format(Locale.ROOT, "%.0f min", seconds / 60);
    }
}
