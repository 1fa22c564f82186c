package org.coolsd.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointTest {
    private static final Path FIXTURES = Path.of("src/test/resources/fixtures");

    @TempDir
    Path folder;

    @Test
    void safetensorsRoundTrip() throws Exception {
        Map<String, TensorData> tensors = new LinkedHashMap<>();
        tensors.put("a", new Bytes(ElementType.F32, new long[] {3, 5}));
        tensors.put("b", new Bytes(ElementType.BF16, new long[] {600, 1000}));
        tensors.put("empty", new Bytes(ElementType.I64, new long[] {0, 7}));
        tensors.put("scalar", new Bytes(ElementType.U8, new long[0]));
        Path file = folder.resolve("x.safetensors");
        Safetensors.write(file, tensors, Map.of("step", "12"));
        Safetensors back = Safetensors.read(file);
        assertThat(back.metadata()).isEqualTo(Map.of("step", "12"));
        assertThat(back.tensors().keySet()).containsExactly("a", "b", "empty", "scalar");
        for (Map.Entry<String, TensorData> e : tensors.entrySet()) {
            TensorData read = back.tensors().get(e.getKey());
            assertThat(read.type()).isEqualTo(e.getValue().type());
            assertThat(read.shape()).isEqualTo(e.getValue().shape());
            assertThat(bytes(read)).isEqualTo(bytes(e.getValue()));
        }
        try (var files = Files.list(folder)) {
            assertThat(files).containsExactly(file);
        }
    }

    @Test
    void aPartOfATensorIsRead() throws Exception {
        Path file = folder.resolve("x.safetensors");
        Safetensors.write(file, Map.of("a", new Bytes(ElementType.U8, new long[] {40})), Map.of());
        TensorData read = Checkpoint.read(file).get("a");
        ByteBuffer part = ByteBuffer.allocate(3);
        read.read(10, part);
        assertThat(part.array()).containsExactly(10, 11, 12);
        assertThatThrownBy(() -> read.read(38, ByteBuffer.allocate(3))).isInstanceOf(IndexOutOfBoundsException.class);
    }

    /** Byte i is i. */
    private record Bytes(ElementType type, long[] shape) implements TensorData {
        @Override
        public void read(long offset, ByteBuffer into) {
            for (long i = offset; into.hasRemaining(); i++) {
                into.put((byte) i);
            }
        }
    }

    private static byte[] bytes(TensorData tensor) throws Exception {
        ByteBuffer all = ByteBuffer.allocate((int) tensor.byteSize());
        tensor.read(0, all);
        return all.array();
    }

    @Test
    void shardedSafetensorsAreJoined() throws Exception {
        Map<String, TensorData> all = Checkpoint.read(FIXTURES.resolve("chameleon/model.safetensors.index.json"));
        assertThat(all)
                .containsKeys("model.embed_tokens.weight", "lm_head.weight")
                .hasSize(29);
    }

    @Test
    void everyTruncationIsOneClearLine() throws Exception {
        byte[] whole = Files.readAllBytes(FIXTURES.resolve("eagle-c2i/expected.safetensors"));
        byte[] pickle = Files.readAllBytes(FIXTURES.resolve("eagle-c2i/pytorch_model.bin"));
        Path cut = folder.resolve("cut");
        for (byte[] bytes : new byte[][] {whole, pickle}) {
            for (int n = 0; n < bytes.length; n += 1 + n / 7) {
                Files.write(cut, java.util.Arrays.copyOf(bytes, n));
                assertThatThrownBy(() -> Checkpoint.read(cut))
                        .isInstanceOf(CheckpointException.class)
                        .hasMessageStartingWith(cut + ": ")
                        .hasMessageNotContainingAny("\n");
            }
        }
    }

    @Test
    void aPickleNeverRunsCode() throws Exception {
        Path evil = archive("cos\nsystem\nX\u0004\0\0\0echo\u0085R.");
        assertThatThrownBy(() -> Checkpoint.read(evil))
                .isInstanceOf(CheckpointException.class)
                .hasMessage(evil + ": the pickle asks for 'os.system', which could run code; no weights need it");
    }

    @Test
    void stackGlobalsAreRefused() throws Exception {
        Path evil = archive("X\u0002\0\0\0osX\u0006\0\0\0system\u0093.");
        assertThatThrownBy(() -> Checkpoint.read(evil)).hasMessageContaining("'os.system', which could run code");
    }

    @Test
    void aMissingFileIsNamed() {
        Path none = folder.resolve("none.safetensors");
        assertThatThrownBy(() -> Checkpoint.read(none)).hasMessage(none + ": no such file");
    }

    private Path archive(String pickle) throws Exception {
        Path file = folder.resolve("evil.pt");
        try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file))) {
            TorchFile.stored(zip, "x/data.pkl", ("\u0080\u0002" + pickle).getBytes(StandardCharsets.ISO_8859_1));
        }
        return file;
    }
}
