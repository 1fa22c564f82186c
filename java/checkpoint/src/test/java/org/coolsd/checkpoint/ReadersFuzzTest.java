package org.coolsd.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

/**
 * Any bytes are read or refused in one line. Every build replays the corpus in the test resources; Jazzer looks for more with
 * {@code JAZZER_FUZZ=1 mvn test -pl java/checkpoint -Dtest='ReadersFuzzTest#safetensors'}, or {@code #torch}.
 */
class ReadersFuzzTest {
    /** What a tensor may become by repeating its storage; no file here is larger. */
    private static final long LARGEST = 1 << 26;

    @TempDir
    static Path folder;

    @FuzzTest(maxDuration = "10m")
    void safetensors(byte[] bytes) throws Exception {
        readOrRefuse(bytes);
    }

    @FuzzTest(maxDuration = "10m")
    void torch(byte[] bytes) throws Exception {
        readOrRefuse(bytes);
    }

    private static void readOrRefuse(byte[] bytes) throws Exception {
        Path file = folder.resolve("any");
        Files.write(file, bytes);
        try {
            for (TensorData tensor : Checkpoint.read(file).values()) {
                long size = tensor.byteSize();
                assertThat(size).isBetween(0L, LARGEST);
                for (long at : new long[] {0, Math.max(0, size - 100)}) {
                    tensor.read(at, ByteBuffer.allocate((int) Math.min(100, size - at)));
                }
            }
        } catch (CheckpointException e) {
            assertThat(e.getMessage()).startsWith(file + ": ").doesNotContain("\n", "\r");
        }
    }
}
