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
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The index decides which tensors there are and where each is taken from. */
class ShardsTest {
    @TempDir
    Path folder;

    /** A vector of floats. */
    record Vector(float... values) implements TensorData {
        @Override
        public ElementType type() {
            return ElementType.F32;
        }

        @Override
        public long[] shape() {
            return new long[] {values.length};
        }

        @Override
        public void read(long offset, ByteBuffer into) {
            into.put(TorchFile.floats(values), (int) offset, into.remaining());
        }
    }

    @BeforeEach
    void shards() throws Exception {
        Map<String, TensorData> a = new LinkedHashMap<>();
        a.put("x", new Vector(1, 2));
        a.put("y", new Vector(3));
        Safetensors.write(folder.resolve("a.safetensors"), a, Map.of());
        Map<String, TensorData> b = new LinkedHashMap<>();
        b.put("x", new Vector(9, 9));
        b.put("z", new Vector(4));
        b.put("old", new Vector(5));
        Safetensors.write(folder.resolve("b.safetensors"), b, Map.of());
    }

    private Path index(String map) throws Exception {
        Path index = folder.resolve("model.safetensors.index.json");
        return Files.writeString(index, "{\"metadata\": {}, \"weight_map\": " + map.replace('\'', '"') + "}");
    }

    @Test
    void theIndexDecides() throws Exception {
        Map<String, TensorData> first =
                Checkpoint.read(index("{'x': 'a.safetensors', 'y': 'a.safetensors', 'z': 'b.safetensors'}"));
        assertThat(first.keySet()).containsExactly("x", "y", "z");
        assertThat(TorchPickleTest.floats(first.get("x"))).containsExactly(1, 2);
        Map<String, TensorData> second =
                Checkpoint.read(index("{'x': 'b.safetensors', 'y': 'a.safetensors', 'z': 'b.safetensors'}"));
        assertThat(second.keySet()).containsExactly("x", "y", "z");
        assertThat(TorchPickleTest.floats(second.get("x"))).containsExactly(9, 9);
        assertThat(TorchPickleTest.floats(second.get("y"))).containsExactly(3);
        assertThat(TorchPickleTest.floats(second.get("z"))).containsExactly(4);
    }

    @Test
    void shardsMayBeTorchArchives() throws Exception {
        new TorchFile()
                .pickle(Map.of("p", TorchFile.tensor("0", 1)))
                .storage("0", 6)
                .write(folder.resolve("pytorch_model-00001-of-00002.bin"));
        new TorchFile()
                .pickle(Map.of("q", TorchFile.tensor("0", 1), "p", TorchFile.tensor("0", 1)))
                .storage("0", 7)
                .write(folder.resolve("pytorch_model-00002-of-00002.bin"));
        Path index = Files.writeString(
                folder.resolve("pytorch_model.bin.index.json"),
                """
                {"weight_map": {"q": "pytorch_model-00002-of-00002.bin", "p": "pytorch_model-00001-of-00002.bin"}}
                """);
        Map<String, TensorData> tensors = Checkpoint.read(index);
        assertThat(tensors.keySet()).containsExactly("q", "p");
        assertThat(TorchPickleTest.floats(tensors.get("p"))).containsExactly(6);
        assertThat(TorchPickleTest.floats(tensors.get("q"))).containsExactly(7);
    }

    @Test
    void aTensorThatIsNotInItsShardIsNamed() throws Exception {
        Path index = index("{'x': 'a.safetensors', 'q': 'a.safetensors'}");
        refused(index, "tensor 'q' is not in 'a.safetensors'; download both again");
    }

    @Test
    void whatTheIndexDoesNotNameIsNotJudged() throws Exception {
        String header =
                """
                {"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
                 "old": {"dtype": "F8_E4M3", "shape": [-7], "data_offsets": [4, 8]}}""";
        ByteBuffer file = ByteBuffer.allocate(16 + header.length()).order(ByteOrder.LITTLE_ENDIAN);
        file.putLong(header.length())
                .put(header.getBytes(StandardCharsets.US_ASCII))
                .putFloat(2.5f);
        Path shard = Files.write(folder.resolve("c.safetensors"), file.array());
        assertThatThrownBy(() -> Checkpoint.read(shard)).hasMessageContaining("'old' has dtype \"F8_E4M3\"");
        assertThat(TorchPickleTest.floats(
                        Checkpoint.read(index("{'w': 'c.safetensors'}")).get("w")))
                .containsExactly(2.5f);
        new TorchFile()
                .pickle(Map.of("w", TorchFile.tensor("0", 1), "old", TorchFile.tensor("1", 1)))
                .storage("0", 3)
                .write(folder.resolve("c.bin"));
        assertThatThrownBy(() -> Checkpoint.read(folder.resolve("c.bin"))).hasMessageContaining("'old' has no storage");
        assertThat(TorchPickleTest.floats(
                        Checkpoint.read(index("{'w': 'c.bin'}")).get("w")))
                .containsExactly(3);
    }

    @Test
    void aMissingShardIsNamed() throws Exception {
        Path index = index("{'x': 'c.safetensors'}");
        refused(index, "shard 'c.safetensors' with tensor 'x' is missing; download it to this folder");
    }

    @Test
    void aDamagedShardIsNamed() throws Exception {
        Path shard = folder.resolve("a.safetensors");
        Files.writeString(shard, "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n");
        refused(
                index("{'x': 'a.safetensors'}"),
                "tensor 'x' cannot be read from " + shard
                        + ": a Git LFS pointer, not the weights; run 'git lfs pull' in its folder");
    }

    @Test
    void anIndexIsNoShard() throws Exception {
        refused(
                index("{'x': 'model.safetensors.index.json'}"),
                "tensor 'x' cannot be read from " + folder.resolve("model.safetensors.index.json")
                        + ": JSON, not a shard");
    }

    @Test
    void aNameTwiceIsRefused() throws Exception {
        refused(index("{'x': 'a.safetensors', 'x': 'b.safetensors'}"), "the index is damaged: Duplicate field 'x'");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"../a.safetensors", "/etc/passwd", "sub/../../a.safetensors", "..", "", "..\\\\a.safetensors"})
    void shardsOutsideTheFolderAreRefused(String shard) throws Exception {
        refused(
                index("{'x': '" + shard + "'}"),
                "shard '" + shard.replace("\\\\", "\\") + "' of tensor 'x' is not a file of the checkpoint's folder");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"{}", "[]", "3", "null", "{'x': 3}", "{'x': ['a.safetensors']}", "{'x': 'a", "{'x': '\\u0000'}"})
    void brokenIndexesAreOneLine(String map) throws Exception {
        Path index = index(map);
        assertThatThrownBy(() -> Checkpoint.read(index))
                .isInstanceOf(CheckpointException.class)
                .hasMessageStartingWith(index + ": ")
                .hasMessageNotContainingAny("\n", "\0");
    }

    private static void refused(Path index, String why) {
        assertThatThrownBy(() -> Checkpoint.read(index))
                .isInstanceOf(CheckpointException.class)
                .hasMessage(index + ": " + why);
    }
}
