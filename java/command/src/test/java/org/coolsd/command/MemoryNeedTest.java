package org.coolsd.command;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class MemoryNeedTest {
    private static String said(MemoryNeed need) throws IOException {
        PrintStream error = System.err;
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try {
            System.setErr(new PrintStream(bytes, true, StandardCharsets.UTF_8));
            need.require();
        } finally {
            System.setErr(error);
        }
        return bytes.toString(StandardCharsets.UTF_8);
    }

    @Test
    void whatDoesNotFitIsRefused() {
        assertThatThrownBy(new MemoryNeed("models/c2i", 14_600_000_000L, OptionalLong.of(7_900_000_000L))::require)
                .isInstanceOf(IOException.class)
                .hasMessage("models/c2i needs 15 GB of memory, 7.9 GB are there; it cannot be loaded");
        assertThatThrownBy(new MemoryNeed("x", 2_000_000, OptionalLong.of(1_900_000))::require)
                .hasMessageContaining("2.0 MB");
        assertThatCode(new MemoryNeed("x", 2_000_000, OptionalLong.of(2_000_000))::require)
                .doesNotThrowAnyException();
    }

    @Test
    void whatIsLargeIsSaid() throws IOException {
        assertThat(said(new MemoryNeed("x", 499_000_000, OptionalLong.of(9_000_000_000L))))
                .isEmpty();
        assertThat(said(new MemoryNeed("x", 1_600_000_000, OptionalLong.of(9_000_000_000L))))
                .isEqualTo(String.format("x needs 1.6 GB of memory, 9.0 GB are there%n"));
        assertThat(said(new MemoryNeed("x", 1_600_000_000, OptionalLong.empty())))
                .contains("how much is there the system does not say");
    }
}
