package org.coolsd.images;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;
import org.coolsd.Schedule;

/** The schedules by the names that people ask for (docs/method.md, "Schedules"). */
public enum ScheduleName {
    /** Plain sampling, without drafts. */
    TARGET,
    /** Drafted, with the target's law. */
    LOSSLESS,
    /** The same factor everywhere. */
    UNIFORM,
    /** COOL-SD. */
    EXPONENTIAL,
    /** Falls to 0 in equal steps. */
    LINEAR,
    /** COOL-SD with no factor below 1. */
    CLAMPED,
    /** COOL-SD with delta as geometric mean. */
    GEOMETRIC,
    /** Relaxed where the target is undecided. */
    ENTROPY,
    /** The factors that a drift budget leaves room for. */
    BUDGET;

    /** The schedule of a name; not that of a budget, which a number makes. */
    Schedule schedule(double delta) {
        return switch (this) {
            case TARGET, LOSSLESS -> Schedule.lossless();
            case UNIFORM -> Schedule.uniform(delta);
            case EXPONENTIAL -> Schedule.exponential(delta);
            case LINEAR -> Schedule.linear(delta, 0);
            case CLAMPED -> Schedule.exponential(delta).clamped();
            case GEOMETRIC -> Schedule.exponential(delta).geometricMean();
            case ENTROPY -> Schedule.entropy(delta);
            case BUDGET -> throw new IllegalArgumentException("the drift budget is missing");
        };
    }

    /**
     * The schedule called {@code name}, in small letters or large ones.
     *
     * @throws IllegalArgumentException in one line, with all names, if there is none
     */
    public static ScheduleName of(String name) {
        for (ScheduleName schedule : values()) {
            if (schedule.toString().equals(name.toLowerCase(Locale.ROOT))) {
                return schedule;
            }
        }
        throw new IllegalArgumentException("schedule is '" + name + "', it must be one of " + names());
    }

    private static String names() {
        return Arrays.stream(values()).map(ScheduleName::toString).collect(Collectors.joining(", "));
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
