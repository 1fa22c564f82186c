package org.coolsd.command;

import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/** The one look of progress bars: on standard error, with the time taken and the time left. */
public final class Progress {
    private Progress() {}

    /** A bar of {@code steps} steps, to be closed. */
    public static ProgressBar bar(String task, long steps) {
        return new ProgressBarBuilder()
                .setTaskName(task)
                .setInitialMax(steps)
                .setUpdateIntervalMillis(500)
                .setStyle(ProgressBarStyle.ASCII)
                .build();
    }
}
