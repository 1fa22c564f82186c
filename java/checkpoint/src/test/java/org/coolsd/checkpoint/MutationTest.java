package org.coolsd.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Files with a few bytes changed are read or refused in one line, at once: never another exception, never more tensors
 * than bytes to read them from. Every seed stands for one file; {@code -Dmutation.seconds} runs it
 * for longer.
 */
class MutationTest {
    private static final Path FIXTURES = Path.of("src/test/resources/fixtures");
    private static final long SECONDS = Long.getLong("mutation.seconds", 2);

    @TempDir
    Path folder;

    @ParameterizedTest
    @CsvSource({
        "eagle-c2i/pytorch_model.bin, 1",
        "gpt-c2i/model.pt, 2",
        "eagle-c2i/expected.safetensors, 3",
        "chameleon/model.safetensors.index.json, 4",
    })
    void changedFilesAreReadOrRefused(String fixture, long firstSeed) throws Exception {
        byte[] whole = Files.readAllBytes(FIXTURES.resolve(fixture));
        for (String shard : new String[] {"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"}) {
            Files.copy(FIXTURES.resolve("chameleon").resolve(shard), folder.resolve(shard));
        }
        int[] targets = targets(fixture, whole);
        Path file = folder.resolve("changed");
        long end = System.nanoTime() + SECONDS * 1_000_000_000L;
        int refused = 0;
        for (long seed = firstSeed << 32; System.nanoTime() < end; seed++) {
            Files.write(file, changed(whole, targets, new Random(seed)));
            long start = System.nanoTime();
            try {
                for (TensorData tensor : Checkpoint.read(file).values()) {
                    long bytes = tensor.byteSize();
                    assertThat(bytes).as("seed %d", seed).isBetween(0L, 1L << 26);
                    for (long at : new long[] {0, Math.max(0, bytes - 100)}) {
                        tensor.read(at, ByteBuffer.allocate((int) Math.min(100, bytes - at)));
                    }
                }
            } catch (CheckpointException e) {
                assertThat(e.getMessage())
                        .as("seed %d", seed)
                        .startsWith(file + ": ")
                        .doesNotContain("\n", "\r", "Exception");
                refused++;
            } catch (RuntimeException | Error e) {
                throw new AssertionError("seed " + seed + " of " + fixture, e);
            }
            assertThat(System.nanoTime() - start).as("seed %d", seed).isLessThan(10_000_000_000L);
        }
        assertThat(refused).isPositive();
    }

    /** First and last byte of the parts that say where the others are: weights may change as they like. */
    private static int[] targets(String fixture, byte[] whole) {
        if (fixture.endsWith(".json")) {
            return new int[] {0, whole.length};
        }
        if (fixture.endsWith(".safetensors")) {
            return new int[] {
                0, 8 + ByteBuffer.wrap(whole).order(ByteOrder.LITTLE_ENDIAN).getInt()
            };
        }
        // The pickle is the first entry, the directory the last part.
        int directory = ByteBuffer.wrap(whole).order(ByteOrder.LITTLE_ENDIAN).getInt(whole.length - 6);
        return new int[] {0, 5000, directory, whole.length};
    }

    private static byte[] changed(byte[] whole, int[] targets, Random random) {
        byte[] bytes = whole.clone();
        int changes = 1 + random.nextInt(4);
        for (int i = 0; i < changes; i++) {
            int part = 2 * random.nextInt(targets.length / 2);
            int at = targets[part] + random.nextInt(targets[part + 1] - targets[part]);
            switch (random.nextInt(6)) {
                case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
                case 1 -> bytes[at] = (byte) random.nextInt(256);
                case 2 -> bytes[at] = (byte) (random.nextBoolean() ? 0 : 255);
                case 3 -> bytes[at] = (byte) "0123456789-.eE{}[]\",:(tuRcbqhXJKMQ".charAt(random.nextInt(34));
                case 4 -> { // A piece moves.
                    int n = Math.min(1 + random.nextInt(16), bytes.length - at);
                    int from = targets[part] + random.nextInt(targets[part + 1] - targets[part]);
                    System.arraycopy(whole, Math.min(from, whole.length - n), bytes, at, n);
                }
                default -> { // A piece of one value.
                    int n = Math.min(1 + random.nextInt(8), bytes.length - at);
                    Arrays.fill(bytes, at, at + n, (byte) random.nextInt(256));
                }
            }
        }
        return random.nextInt(20) == 0 ? Arrays.copyOf(bytes, random.nextInt(bytes.length)) : bytes;
    }
}
