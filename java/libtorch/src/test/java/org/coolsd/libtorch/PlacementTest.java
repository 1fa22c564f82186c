package org.coolsd.libtorch;

import static org.assertj.core.api.Assertions.assertThat;

import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Test;

/** Streams as numbers; the CPU needs none of CUDA's classes. */
class PlacementTest {
    @Test
    void theDefaultStreamIsZero() {
        assertThat(Placement.handle(null)).isZero();
        try (Pointer stream = new IntPointer(1)) {
            assertThat(Placement.handle(stream)).isEqualTo(stream.address()).isNotZero();
        }
    }

    @Test
    void theCpuHasNoStream() {
        assertThat(Placement.cpu().stream()).isZero();
    }
}
