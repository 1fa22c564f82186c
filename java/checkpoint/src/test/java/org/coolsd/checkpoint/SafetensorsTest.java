package org.coolsd.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Headers that lie. */
class SafetensorsTest {
    private static final String W = "'w': {'dtype': 'F32', 'shape': [2], 'data_offsets': [0, 8]}";

    @TempDir
    Path folder;

    private Path path() {
        return folder.resolve("x.safetensors");
    }

    private Path file(long length, String header, int data) throws Exception {
        byte[] json = header.replace('\'', '"').getBytes(StandardCharsets.UTF_8);
        ByteBuffer bytes = ByteBuffer.allocate(8 + json.length + data).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putLong(length).put(json);
        return Files.write(path(), bytes.array());
    }

    private Path file(String header, int data) throws Exception {
        return file(header.getBytes(StandardCharsets.UTF_8).length, header, data);
    }

    private static void refused(Path file, String why) {
        assertThatThrownBy(() -> Safetensors.read(file))
                .isInstanceOf(CheckpointException.class)
                .hasMessageStartingWith(file + ": ")
                .hasMessageContaining(why)
                .hasMessageNotContaining("\n");
        assertThatThrownBy(() -> Checkpoint.read(file)).isInstanceOf(CheckpointException.class);
    }

    @Test
    void whatIsWholeIsRead() throws Exception {
        assertThat(Safetensors.read(file("{" + W + ", '__metadata__': {'format': 'pt'}}   ", 8))
                        .tensors())
                .containsOnlyKeys("w");
        assertThat(Safetensors.read(file("{}", 0)).tensors()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1, -1, Long.MIN_VALUE, Long.MAX_VALUE, 1000, 100_000_001, 1L << 32})
    void aHeaderThatIsNotAsLongAsItSaysIsRefused(long length) throws Exception {
        refused(file(length, "{" + W + "}", 8), "header of " + length + " bytes");
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 20, 60, 67})
    void aHeaderThatIsLongerThanItSaysIsRefused(int length) throws Exception {
        refused(file(length, "{" + W + "}", 8), "its header of " + length + " bytes is damaged");
    }

    /** The file is as long as its header says, but holds nothing. */
    @Test
    void aLieCostsNoMemory() throws Exception {
        try (RandomAccessFile file = new RandomAccessFile(path().toFile(), "rw")) {
            file.setLength(200L << 20);
            file.write(ByteBuffer.allocate(9)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putLong(99_999_999)
                    .put((byte) '{')
                    .array());
        }
        assertThat(TorchPickleTest.inSmallHeap(path()))
                .contains(path() + ": its header of 99999999 bytes is damaged")
                .doesNotContain("OutOfMemoryError");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "'F32' | [2] | [0, 9]",
                "'F32' | [2] | [0, 4]",
                "'F32' | [2] | [8, 0]",
                "'F32' | [2] | [-8, 0]",
                "'F32' | [2] | [0]",
                "'F32' | [2] | [0, 8, 8]",
                "'F32' | [2] | [0.0, 8.0]",
                "'F32' | [2] | ['0', '8']",
                "'F32' | ['2'] | [0, 8]",
                "'F32' | [2.0] | [0, 8]",
                "'F32' | 2 | [0, 8]",
                "'F32' | {'a': 2} | [0, 8]",
                "'F32' | [-2] | [0, 8]",
                "'F32' | [-1, -2] | [0, 8]",
                "'F32' | [1000000000000000000000000] | [0, 8]",
                "'F32' | [4294967296, 4294967296] | [0, 0]",
                "'F32' | [4611686018427387905] | [0, 4]",
                "'F64' | [2] | [0, 8]",
                "'F7' | [2] | [0, 8]",
                "3 | [2] | [0, 8]",
                "null | [2] | [0, 8]",
            })
    void entriesThatContradictThemselvesAreRefused(String type, String shape, String offsets) throws Exception {
        refused(
                file("{'w': {'dtype': " + type + ", 'shape': " + shape + ", 'data_offsets': " + offsets + "}}", 8),
                "tensor 'w'");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{'w': 3}",
                "{'w': null}",
                "{'w': []}",
                "{'w': {}}",
                "[]",
                "{'__metadata__': 3}",
                "{'__metadata__': {'a': 1}}",
                "{'__metadata__': {'a': {}}}"
            })
    void otherHeadersAreRefused(String header) throws Exception {
        refused(file(header, 8), "");
    }

    @Test
    void aNameTwiceIsRefused() throws Exception {
        refused(
                file("{" + W + ", 'w': {'dtype': 'F32', 'shape': [2], 'data_offsets': [8, 16]}}", 16),
                "Duplicate field 'w'");
        refused(
                file("{'w': {'dtype': 'F32', 'shape': [2], 'shape': [1], 'data_offsets': [0, 4]}}", 4),
                "Duplicate field 'shape'");
    }

    @Test
    void overlapsAndHolesAreRefused() throws Exception {
        String v = ", 'v': {'dtype': 'F32', 'shape': [2], 'data_offsets': ";
        refused(file("{" + W + v + "[4, 12]}}", 12), "tensors 'w' and 'v' overlap");
        refused(file("{" + W + v + "[0, 8]}}", 8), "overlap");
        refused(file("{" + W + v + "[12, 20]}}", 20), "bytes 8 to 12 behind the header, before 'v', are no tensor's");
        refused(file("{" + W + "}", 11), "the last 3 bytes are no tensor's");
        refused(file("{}", 1), "the last 1 bytes are no tensor's");
        assertThat(Safetensors.read(file("{'v': {'dtype': 'U8', 'shape': [0], 'data_offsets': [0, 0]}, " + W + "}", 8))
                        .tensors()
                        .keySet())
                .containsExactly("v", "w");
    }

    @Test
    void aTensorBeyondTheEndIsRefused() throws Exception {
        refused(file("{" + W + "}", 7), "cut short: tensor 'w' ends at byte 8 behind the header, the file at 7");
        refused(
                file(
                        "{'w': {'dtype': 'U8', 'shape': [1], 'data_offsets': [9223372036854775806, 9223372036854775807]}}",
                        8),
                "cut short");
    }

    @Test
    void moreBehindTheHeadersObjectIsRefused() throws Exception {
        refused(file("{" + W + "} {}", 8), "damaged");
    }

    @Test
    void aFileThatBecomesShorterIsNamed() throws Exception {
        Path file = file("{" + W + "}", 8);
        TensorData w = Safetensors.read(file).tensors().get("w");
        Files.write(file, new byte[20]);
        assertThatThrownBy(() -> w.read(0, ByteBuffer.allocate(8)))
                .isInstanceOf(CheckpointException.class)
                .hasMessageStartingWith(file + ": cut short at byte ");
    }

    @Test
    void longNamesAreCutShortInErrors() throws Exception {
        refused(file("{'" + "n".repeat(5000) + "\\n': 3}", 0), "n...");
    }
}
