package org.coolsd.command;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.function.LongSupplier;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/**
 * How far a long task is, on standard error: a bar where that is a terminal, a line every 30 seconds where it is a file or a
 * pipe, so that a log is not full of carriage returns and a short task says nothing.
 */
public final class Progress implements AutoCloseable {
    private static final long LINE_EVERY_NANOS = 30_000_000_000L;

    private final String task;
    private final long steps;
    private final ProgressBar bar;
    private final PrintStream lines;
    private final LongSupplier clock;
    private long done;
    private long lastLine;
    private String message = "";

    private Progress(String task, long steps, ProgressBar bar, PrintStream lines, LongSupplier clock) {
        this.task = task;
        this.steps = steps;
        this.bar = bar;
        this.lines = lines;
        this.clock = clock;
        this.lastLine = clock.getAsLong();
    }

    /** The progress of {@code task}, which has {@code steps} steps; to be closed. */
    public static Progress of(String task, long steps) {
        if (!onTerminal()) {
            return lines(task, steps, System.err, System::nanoTime);
        }
        ProgressBar bar = new ProgressBarBuilder()
                .setTaskName(task)
                .setInitialMax(steps)
                .setUpdateIntervalMillis(500)
                .setStyle(ProgressBarStyle.ASCII)
                .build();
        return new Progress(task, steps, bar, System.err, System::nanoTime);
    }

    /** Lines on {@code out}, whatever it is, by a clock that counts nanoseconds. */
    static Progress lines(String task, long steps, PrintStream out, LongSupplier clock) {
        return new Progress(task, steps, null, out, clock);
    }

    /** Whether the process's standard error is a terminal. */
    private static boolean onTerminal() {
        try {
            String file = Files.readSymbolicLink(Path.of("/proc/self/fd/2")).toString();
            return file.startsWith("/dev/pts/") || file.startsWith("/dev/tty") || file.equals("/dev/console");
        } catch (IOException | RuntimeException e) {
            // No /proc: then it is a terminal if the other two are.
            return System.console() != null;
        }
    }

    /** {@code count} more steps are done. */
    public void stepBy(long count) {
        stepTo(done + count);
    }

    /** {@code count} steps are done. */
    public void stepTo(long count) {
        done = Math.min(count, steps);
        if (bar != null) {
            bar.stepTo(done);
        } else if (clock.getAsLong() - lastLine >= LINE_EVERY_NANOS) {
            lastLine = clock.getAsLong();
            lines.printf(
                    Locale.ROOT,
                    "%s: %d %%, %d of %d%s%n",
                    task,
                    steps == 0 ? 100 : 100 * done / steps,
                    done,
                    steps,
                    message);
        }
    }

    /** Shows {@code text} beside the count from now on. */
    public void message(String text) {
        message = text.isEmpty() ? "" : ", " + text;
        if (bar != null) {
            bar.setExtraMessage(" " + text);
        }
    }

    /** Ends the bar. */
    @Override
    public void close() {
        if (bar != null) {
            bar.close();
        }
    }
}
