package org.coolsd.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import org.coolsd.checkpoint.TorchFile.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Indices, what people have in place of weights, and safetensors that contradict themselves. */
class FormatsTest {
    @TempDir
    private Path folder;

    private Path safetensors(String name, String header, int bytes) throws Exception {
        byte[] json = header.getBytes(StandardCharsets.UTF_8);
        ByteBuffer all = ByteBuffer.allocate(8 + json.length + bytes).order(ByteOrder.LITTLE_ENDIAN);
        all.putLong(json.length).put(json);
        for (int i = 0; i < bytes; i++) {
            all.put((byte) i);
        }
        return Files.write(folder.resolve(name), all.array());
    }

    private static String tensor(String name, String dtype, String shape, int begin, int end) {
        return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape + ",\"data_offsets\":[" + begin + ","
                + end + "]}";
    }

    private Path index(String map) throws Exception {
        return Files.writeString(folder.resolve("model.safetensors.index.json"), "{\"weight_map\":" + map + "}");
    }

    private void shards() throws Exception {
        safetensors(
                "a.safetensors",
                "{" + tensor("x", "F32", "[1,2]", 0, 8) + "," + tensor("y", "F32", "[3]", 8, 20) + "}",
                20);
        safetensors(
                "b.safetensors",
                "{" + tensor("x", "F32", "[9,9]", 0, 324) + "," + tensor("z", "F32", "[4]", 324, 340) + ","
                        + tensor("old", "F32", "[5]", 340, 360) + "}",
                360);
    }

    @Test
    void theIndexDecides() throws Exception {
        shards();
        Map<String, TensorData> first =
                Checkpoint.read(index("{\"x\":\"a.safetensors\",\"y\":\"a.safetensors\",\"z\":\"b.safetensors\"}"));
        assertThat(first).containsOnlyKeys("x", "y", "z");
        assertThat(first.get("x").shape()).containsExactly(1, 2);
        Map<String, TensorData> second =
                Checkpoint.read(index("{\"x\":\"b.safetensors\",\"y\":\"a.safetensors\",\"z\":\"b.safetensors\"}"));
        assertThat(second).containsOnlyKeys("x", "y", "z");
        assertThat(second.get("x").shape()).containsExactly(9, 9);
    }

    @Test
    void wrongIndicesAreOneLine() throws Exception {
        shards();
        refused("{\"q\":\"a.safetensors\"}", "tensor 'q' should be in a.safetensors, which does not have it");
        refused("{\"x\":\"c.safetensors\"}", "the shard 'c.safetensors' is missing");
        refused("{\"x\":\"a.safetensors\",\"x\":\"b.safetensors\"}", "Duplicate field 'x'");
        refused("{\"x\":\"../a.safetensors\"}", "not a file in the index's own folder");
        refused("{\"x\":\"/etc/passwd\"}", "not a file in the index's own folder");
        refused("{\"x\":\"..\"}", "not a file in the index's own folder");
        refused("{\"x\":\"a\\u0000b\"}", "not a file in the index's own folder");
        refused("{\"x\":3}", "tensor 'x' is in 3, not in a file");
        refused("{}", "an index without weight_map");
    }

    private void refused(String map, String words) throws Exception {
        Path index = index(map);
        assertThatThrownBy(() -> Checkpoint.read(index))
                .isInstanceOf(CheckpointException.class)
                .hasMessageStartingWith(index + ": ")
                .hasMessageContaining(words)
                .hasMessageNotContainingAny("\n");
    }

    @Test
    void pointersAndPagesAreCalledWhatTheyAre() throws Exception {
        Path pointer = Files.writeString(
                folder.resolve("model.safetensors"),
                "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n");
        assertThatThrownBy(() -> Checkpoint.read(pointer))
                .hasMessageContaining("pointer of Git LFS")
                .hasMessageContaining("git lfs pull");
        Path page = Files.writeString(folder.resolve("model.pt"), "\n<!DOCTYPE html><html><head>");
        assertThatThrownBy(() -> Checkpoint.read(page)).hasMessageContaining("web page");
        Path old = Files.write(
                folder.resolve("old.pt"),
                "\u0080\u0002\u008a\nl\u00fc\u009cF\u00f9 j\u00a8P\u0019.".getBytes(StandardCharsets.ISO_8859_1));
        assertThatThrownBy(() -> Checkpoint.read(old)).hasMessageContaining("before version 1.6");
    }

    @Test
    void theContentDecidesAndNotTheName() throws Exception {
        Path zip = folder.resolve("zip.safetensors");
        TorchFile.write(zip, Map.of("w", Tensor.of("0", 2)), Map.of("0", new float[] {1, 2}));
        assertThat(Checkpoint.read(zip)).containsOnlyKeys("w");
        assertThat(Checkpoint.read(safetensors("plain.pt", "{" + tensor("w", "F32", "[2]", 0, 8) + "}", 8)))
                .containsOnlyKeys("w");
    }

    @Test
    void safetensorsThatContradictThemselvesAreRefused() throws Exception {
        String a = tensor("a", "F32", "[2]", 0, 8);
        contradicts("{" + a + "," + tensor("b", "F32", "[1]", 4, 8) + "}", 8, "'b' begins at byte");
        contradicts("{" + a + "," + tensor("b", "F32", "[1]", 12, 16) + "}", 16, "'b' begins at byte");
        contradicts("{" + a + "}", 12, "the last tensor ends at byte");
        contradicts("{" + a + "," + a + "}", 8, "Duplicate field 'a'");
        contradicts("{" + tensor("a", "F32", "[3]", 0, 8) + "}", 8, "disagree");
        contradicts("{" + tensor("a", "F32", "[-2]", 0, 8) + "}", 8, "disagree");
        contradicts("{" + tensor("a", "F32", "[2.0]", 0, 8) + "}", 8, "disagree");
        contradicts("{" + tensor("a", "F32", "[4611686018427387904,4]", 0, 8) + "}", 8, "disagree");
        contradicts("{" + tensor("a", "F32", "\"2\"", 0, 8) + "}", 8, "disagree");
        contradicts("{" + tensor("a", "F8_E4M3", "[8]", 0, 8) + "}", 8, "dtype");
        contradicts("{" + tensor("a", "F32", "[2]", 0, 8) + "}", 4, "cut short");
        contradicts("{" + tensor("a", "F32", "[2]", 8, 0) + "}", 8, "disagree");
        contradicts("[" + "[".repeat(5000) + "]".repeat(5000) + "]", 0, "header");
        contradicts("{\"a\":3}", 0, "dtype");
    }

    private void contradicts(String header, int bytes, String words) throws Exception {
        Path file = safetensors("bad.safetensors", header, bytes);
        assertThatThrownBy(() -> Checkpoint.read(file))
                .isInstanceOf(CheckpointException.class)
                .hasMessageStartingWith(file + ": ")
                .hasMessageContaining(words)
                .hasMessageNotContainingAny("\n");
    }

    /**
     * Files with bytes changed, cut out or put in, 4 000 of each format: each is read, or refused in one line; and what is read
     * can be read to its last byte or is refused then. Nothing else is thrown.
     */
    @Test
    void changedFilesAreReadOrRefused() throws Exception {
        Path whole = folder.resolve("whole.pt");
        TorchFile.write(
                whole,
                Map.of("model", Map.of("w", Tensor.of("0", 2, 2), "v", Tensor.of("1", 3)), "steps", 7),
                Map.of("0", new float[4], "1", new float[3]));
        Path plain = safetensors(
                "plain.safetensors",
                "{\"__metadata__\":{\"a\":\"b\"}," + tensor("a", "F32", "[2]", 0, 8) + ","
                        + tensor("b", "BF16", "[2,1]", 8, 12) + "}",
                12);
        Random random = new Random(20);
        int refused = 0;
        Path changed = folder.resolve("changed");
        for (Path original : new Path[] {whole, plain}) {
            byte[] bytes = Files.readAllBytes(original);
            for (int i = 0; i < 4_000; i++) {
                Files.write(changed, mutated(bytes, random));
                try {
                    for (TensorData t : Checkpoint.read(changed).values()) {
                        if (t.byteSize() < 1 << 20) {
                            t.read(0, ByteBuffer.allocate((int) t.byteSize()));
                        }
                    }
                } catch (CheckpointException e) {
                    assertThat(e.getMessage()).startsWith(changed + ": ").doesNotContain("\n");
                    refused++;
                }
            }
        }
        assertThat(refused).isBetween(1_000, 7_999);
    }

    private static byte[] mutated(byte[] original, Random random) {
        byte[] bytes = original.clone();
        for (int n = 1 + random.nextInt(4); n > 0; n--) {
            bytes[random.nextInt(bytes.length)] =
                    (byte) (random.nextBoolean() ? random.nextInt(256) : random.nextInt(4) * 85);
        }
        if (random.nextInt(4) == 0) {
            int at = random.nextInt(bytes.length);
            int cut = Math.min(random.nextInt(9), bytes.length - at);
            byte[] shorter = new byte[bytes.length - cut];
            System.arraycopy(bytes, 0, shorter, 0, at);
            System.arraycopy(bytes, at + cut, shorter, at, bytes.length - at - cut);
            return shorter;
        }
        return bytes;
    }
}
