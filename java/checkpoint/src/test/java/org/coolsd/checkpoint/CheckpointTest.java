package org.coolsd.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.coolsd.checkpoint.made.TorchFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

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
    void aMissingFileIsNamed() {
        Path none = folder.resolve("none.safetensors");
        assertThatThrownBy(() -> Checkpoint.read(none)).hasMessage(none + ": no such file");
    }

    @Test
    void aGitLfsPointerIsNamed() throws Exception {
        Path file = Files.writeString(
                folder.resolve("model.safetensors"),
                "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a21\nsize 12345\n");
        assertThatThrownBy(() -> Checkpoint.read(file))
                .hasMessage(file + ": a Git LFS pointer, not the weights; run 'git lfs pull' in its folder");
    }

    @ParameterizedTest
    @ValueSource(strings = {"<!DOCTYPE html>\n<html>", "\ufeff\n <html><body>", "<?xml version='1.0'?><Error/>"})
    void aWebPageIsNamed(String page) throws Exception {
        Path file = Files.writeString(folder.resolve("model.pt"), page);
        assertThatThrownBy(() -> Checkpoint.read(file))
                .hasMessage(file
                        + ": a web page, not weights; download the file itself, signed in if its site asks for it");
    }

    @Test
    void otherThingsAreNamed() throws Exception {
        Path file = folder.resolve("model.bin");
        Files.write(file, new byte[] {(byte) 0x80, 2, (byte) 0x8a, 10, 'l', (byte) 0xfc});
        assertThatThrownBy(() -> Checkpoint.read(file)).hasMessageContaining("before 1.6");
        Files.writeString(file, "GGUF\3\0\0\0");
        assertThatThrownBy(() -> Checkpoint.read(file)).hasMessageContaining("GGUF");
        Files.write(file, new byte[0]);
        assertThatThrownBy(() -> Checkpoint.read(file)).hasMessage(file + ": empty; download it again");
        assertThatThrownBy(() -> Checkpoint.read(folder))
                .hasMessage(folder + ": a folder; name the file in it, or its *.index.json");
    }

    /** Its first two bytes are those of a zip. */
    @Test
    void aHeaderOf19280BytesIsNoZip() throws Exception {
        Path file = folder.resolve("x.safetensors");
        Map<String, String> filler = Map.of("format", "x".repeat(19_000));
        Safetensors.write(file, Map.of("w", new ShardsTest.Vector(4)), filler);
        int length = ByteBuffer.wrap(Files.readAllBytes(file))
                .order(ByteOrder.LITTLE_ENDIAN)
                .getInt();
        filler = Map.of("format", "x".repeat(19_000 + 0x4b50 - length));
        Safetensors.write(file, Map.of("w", new ShardsTest.Vector(4)), filler);
        assertThat(Files.readString(file, StandardCharsets.ISO_8859_1)).startsWith("PK\0");
        assertThat(TorchPickleTest.floats(Checkpoint.read(file).get("w"))).containsExactly(4);
    }

    @Test
    void theContentDecidesNotTheName() throws Exception {
        Path torch = new TorchFile()
                .pickle(Map.of("w", TorchFile.tensor("0", 1)))
                .storage("0", 3)
                .write(folder.resolve("torch.safetensors"));
        assertThat(TorchPickleTest.floats(Checkpoint.read(torch).get("w"))).containsExactly(3);
        for (String name : new String[] {"w.pt", "w.json", "w"}) {
            Path safetensors = folder.resolve(name);
            Safetensors.write(safetensors, Map.of("w", new ShardsTest.Vector(4)), Map.of());
            assertThat(TorchPickleTest.floats(Checkpoint.read(safetensors).get("w")))
                    .containsExactly(4);
        }
        Files.writeString(folder.resolve("index"), "\n{\"weight_map\": {\"w\": \"w.pt\"}}");
        assertThat(Checkpoint.read(folder.resolve("index"))).containsOnlyKeys("w");
    }
}
