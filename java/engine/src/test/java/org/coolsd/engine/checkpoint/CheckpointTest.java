package org.coolsd.engine.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointTest {
    private static final Path FIXTURES = Path.of("src/test/resources/fixtures");

    @TempDir
    Path folder;

    @Test
    void safetensorsRoundTrip() throws Exception {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        tensors.put("a", torch.randn(3, 5));
        tensors.put("b", torch.randn(4, 2).to(torch.ScalarType.BFloat16).t());
        tensors.put("empty", torch.zeros(0, 7));
        Path file = folder.resolve("x.safetensors");
        Safetensors.write(file, tensors, Map.of("step", "12"));
        Safetensors back = Safetensors.read(file);
        assertThat(back.metadata()).isEqualTo(Map.of("step", "12"));
        assertThat(back.tensors().keySet()).containsExactly("a", "b", "empty");
        tensors.forEach(
                (name, t) -> assertThat(t.equal(back.tensors().get(name))).isTrue());
        try (var files = Files.list(folder)) {
            assertThat(files).containsExactly(file);
        }
    }

    @Test
    void shardedSafetensorsAreJoined() throws Exception {
        Map<String, Tensor> all = Checkpoint.read(FIXTURES.resolve("chameleon/model.safetensors.index.json"));
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
                .hasMessage(evil + ": the pickle asks for 'os.system'; only tensors and plain containers are read");
    }

    @Test
    void stackGlobalsAreRefused() throws Exception {
        Path evil = archive("X\u0002\0\0\0osX\u0006\0\0\0system\u0093.");
        assertThatThrownBy(() -> Checkpoint.read(evil)).hasMessageContaining("opcode 0x93");
    }

    @Test
    void aMissingFileIsNamed() {
        Path none = folder.resolve("none.safetensors");
        assertThatThrownBy(() -> Checkpoint.read(none)).hasMessage(none + ": no such file");
    }

    private Path archive(String pickle) throws Exception {
        Path file = folder.resolve("evil.pt");
        try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file))) {
            zip.putNextEntry(new ZipEntry("x/data.pkl"));
            zip.write(("\u0080\u0002" + pickle).getBytes(StandardCharsets.ISO_8859_1));
        }
        return file;
    }
}
