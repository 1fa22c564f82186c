package org.coolsd.command;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

/** Progress where standard error is no terminal: nothing for a short task, a line now and then for a long one. */
class ProgressTest {
    private long now;

    @Test
    void aLineEvery30Seconds() {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);
        try (Progress progress = Progress.lines("train", 200, out, () -> now)) {
            for (int i = 0; i < 100; i++) {
                progress.stepBy(1);
            }
            assertThat(bytes.size()).isZero();
            progress.message("loss 0.5");
            for (int second = 1; second <= 75; second++) {
                now = second * 1_000_000_000L;
                progress.stepTo(100 + second);
            }
        }
        assertThat(bytes.toString(StandardCharsets.UTF_8))
                .isEqualTo("train: 65 %, 130 of 200, loss 0.5\ntrain: 80 %, 160 of 200, loss 0.5\n");
    }
}
