package org.coolsd.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import net.razorvine.pickle.Unpickler;
import net.razorvine.pickle.objects.ClassDict;
import org.coolsd.checkpoint.TorchFile.Call;
import org.coolsd.checkpoint.TorchFile.Instance;
import org.coolsd.checkpoint.TorchFile.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What torch archives hold beside weights, what they claim, and how large they may be. */
class TorchArchiveTest {
    private static final float[] FOUR = {1, 2, 3, 4};

    @TempDir
    private Path folder;

    private Path write(Object root) throws IOException {
        Path file = folder.resolve("model.pt");
        TorchFile.write(file, root, Map.of("0", FOUR));
        return file;
    }

    private static float[] floats(TensorData tensor) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate((int) tensor.byteSize()).order(ByteOrder.LITTLE_ENDIAN);
        tensor.read(0, bytes);
        float[] values = new float[bytes.capacity() / 4];
        bytes.flip().asFloatBuffer().get(values);
        return values;
    }

    /** As LlamaGen's own training writes it. Storages of the optimizer are missing: nobody asks for them. */
    @Test
    void onlyTheModelIsRead() throws Exception {
        Map<String, Object> root = new LinkedHashMap<>();
        root.put("model", Map.of("w", Tensor.of("0", 2, 2)));
        root.put("optimizer", Map.of("state", Map.of(0, Map.of("exp_avg", Tensor.of("7", 2, 2)))));
        root.put("steps", 5000);
        root.put("args", new Instance("argparse", "Namespace", Map.of("lr", 1, "gpt_model", "GPT-B")));
        root.put("loss", new Call("numpy.core.multiarray", "scalar", new Call("numpy", "dtype", "f8")));
        Map<String, TensorData> read = Checkpoint.read(write(root));
        assertThat(read).containsOnlyKeys("w");
        assertThat(read.get("w").shape()).containsExactly(2, 2);
        assertThat(floats(read.get("w"))).containsExactly(FOUR);
    }

    @Test
    void theWrapperIsTheOneThatHoldsTensors() throws Exception {
        Map<String, Object> tensors = Map.of("w", Tensor.of("0", 4));
        for (Object root : List.of(
                Map.of("model", Map.of("name", "GPT-B"), "state_dict", tensors),
                Map.of("model", tensors),
                Map.of("module", tensors),
                Map.of("state_dict", tensors),
                tensors)) {
            assertThat(Checkpoint.read(write(root))).containsOnlyKeys("w");
        }
        assertThatThrownBy(() -> Checkpoint.read(write(Map.of("model", Map.of("name", "GPT-B")))))
                .isInstanceOf(CheckpointException.class)
                .hasMessageEndingWith("holds no tensors");
    }

    @Test
    void whatCouldRunCodeIsRefusedByNameWhereverItStands() throws Exception {
        for (String[] name : new String[][] {
            {"os", "system"},
            {"posix", "system"},
            {"subprocess", "Popen"},
            {"builtins", "eval"},
            {"__builtin__", "getattr"},
            {"importlib.util", "find_spec"},
            {"runpy", "run_path"}
        }) {
            Map<String, Object> root = new LinkedHashMap<>();
            root.put("model", Map.of("w", Tensor.of("0", 4)));
            root.put("args", new Call(name[0], name[1], "echo"));
            Path file = write(root);
            assertThatThrownBy(() -> Checkpoint.read(file))
                    .isInstanceOf(CheckpointException.class)
                    .hasMessage(file + ": the pickle asks for '" + name[0] + "." + name[1]
                            + "', which could run code; no weights need it");
        }
    }

    /** Spark uses the same library in the same process: what it reads is what it was before. */
    @Test
    void theLibrarysRegistryStaysAsItWas() throws Exception {
        Checkpoint.read(write(Map.of("w", Tensor.of("0", 4))));
        byte[] ordered = TorchFile.pickled(new Instance("torch", "FloatStorage", Map.of("a", 1)));
        assertThat(new Unpickler().load(new ByteArrayInputStream(ordered))).isInstanceOf(ClassDict.class);
    }

    @Test
    void stridesAndShapes() throws Exception {
        Map<String, Object> root = new LinkedHashMap<>();
        root.put("rows", new Tensor("0", 4, 0, new long[] {3, 4}, new long[] {0, 1}));
        root.put("transposed", new Tensor("0", 4, 0, new long[] {2, 2}, new long[] {1, 2}));
        root.put("tail", new Tensor("0", 4, 2, new long[] {2}, new long[] {1}));
        root.put("empty", new Tensor("0", 4, 0, new long[] {0, 3}, new long[] {3, 1}));
        root.put("scalar", new Tensor("0", 4, 3, new long[0], new long[0]));
        Map<String, TensorData> read = Checkpoint.read(write(root));
        assertThat(floats(read.get("rows"))).containsExactly(1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4);
        assertThat(floats(read.get("transposed"))).containsExactly(1, 3, 2, 4);
        assertThat(floats(read.get("tail"))).containsExactly(3, 4);
        assertThat(read.get("empty").shape()).containsExactly(0, 3);
        assertThat(floats(read.get("empty"))).isEmpty();
        assertThat(read.get("scalar").shape()).isEmpty();
        assertThat(floats(read.get("scalar"))).containsExactly(4);
        ByteBuffer part = ByteBuffer.allocate(6).order(ByteOrder.LITTLE_ENDIAN);
        read.get("transposed").read(2, part);
        ByteBuffer whole = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
        read.get("transposed").read(0, whole);
        assertThat(part.array()).containsExactly(java.util.Arrays.copyOfRange(whole.array(), 2, 8));
    }

    @Test
    void claimsThatTheFileDoesNotBearOutAreRefused() throws Exception {
        long huge = 1L << 21;
        for (Tensor lie : List.of(
                new Tensor("0", 4, 0, new long[] {huge, huge}, new long[] {0, 0}),
                new Tensor("0", 4, 0, new long[] {1L << 40, 1L << 40}, new long[] {0, 0}),
                new Tensor("0", 4, 1, new long[] {4}, new long[] {1}),
                new Tensor("0", 4, 0, new long[] {3, 4}, new long[] {1, 1}),
                new Tensor("0", 4, -1, new long[] {2}, new long[] {1}),
                new Tensor("0", 4, 3, new long[] {2}, new long[] {-1}),
                new Tensor("0", 4, 0, new long[] {2, 2}, new long[] {Long.MAX_VALUE, 1}),
                new Tensor("0", 4, 0, new long[] {2}, new long[] {1, 1}),
                new Tensor("5", 4, 0, new long[] {2}, new long[] {1}))) {
            Path file = write(Map.of("w", lie));
            assertThatThrownBy(() -> Checkpoint.read(file))
                    .isInstanceOf(CheckpointException.class)
                    .hasMessageStartingWith(file + ": ")
                    .hasMessageMatching("(?s).*(tensor 'w'|storage 5).*")
                    .hasMessageNotContainingAny("\n");
        }
    }

    @Test
    void compressedEntriesAreRefused() throws Exception {
        Path file = folder.resolve("bomb.pt");
        try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file))) {
            zip.putNextEntry(new ZipEntry("archive/data.pkl"));
            zip.write(new byte[1 << 26]);
        }
        assertThatThrownBy(() -> Checkpoint.read(file)).hasMessageContaining("'archive/data.pkl' is compressed");
    }

    @Test
    void lengthsThatLieAllocateNothing() throws Exception {
        Path file = folder.resolve("lie.pt");
        for (String pickle : List.of(
                "X\u00ff\u00ff\u00ff\u007fa.", "B\u00f0\u00ff\u00ff\u007fa.", "\u008b\u00ff\u00ff\u00ff\u007fa.")) {
            try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file))) {
                TorchFile.stored(zip, "a/data.pkl", ("\u0080\u0002" + pickle).getBytes(StandardCharsets.ISO_8859_1));
            }
            assertThatThrownBy(() -> Checkpoint.read(file))
                    .isInstanceOf(CheckpointException.class)
                    .hasMessageContaining("bytes in a pickle of");
        }
    }

    /** 8 MB of model beside 256 MB of optimizer, and 100 MB in one storage, in a JVM with 64 MB. */
    @Test
    void theHeapNeedNotHoldTheFile() throws Exception {
        Path training = folder.resolve("training.pt");
        Map<String, Object> root = new LinkedHashMap<>();
        root.put("model", Map.of("w", Tensor.of("0", 1L << 21)));
        root.put("optimizer", Map.of("exp_avg", Tensor.of("1", 1L << 26)));
        try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(training))) {
            TorchFile.stored(zip, "a/data.pkl", TorchFile.pickled(root));
            TorchFile.zeros(zip, "a/data/0", 1L << 23);
            TorchFile.zeros(zip, "a/data/1", 1L << 28);
        }
        Path large = folder.resolve("large.pt");
        try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(large))) {
            TorchFile.stored(zip, "a/data.pkl", TorchFile.pickled(Map.of("w", Tensor.of("0", 25_000_000))));
            TorchFile.zeros(zip, "a/data/0", 100_000_000);
        }
        assertThat(read(training)).isEqualTo("w 8388608");
        assertThat(read(large)).isEqualTo("w 100000000");
    }

    private static String read(Path file) throws Exception {
        Process java = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx64m",
                        "-cp",
                        System.getProperty("java.class.path").replace(":", File.pathSeparator),
                        TorchArchiveTest.class.getName(),
                        file.toString())
                .redirectErrorStream(true)
                .start();
        String said = new String(java.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        assertThat(java.waitFor()).as(said).isZero();
        return said;
    }

    /** Reads every byte of the file that is named, and says the names and sizes. */
    public static void main(String[] args) throws IOException {
        ByteBuffer chunk = ByteBuffer.allocateDirect(1 << 20);
        for (Map.Entry<String, TensorData> e : Checkpoint.read(Path.of(args[0])).entrySet()) {
            long bytes = e.getValue().byteSize();
            for (long done = 0; done < bytes; done += chunk.capacity()) {
                chunk.clear().limit((int) Math.min(chunk.capacity(), bytes - done));
                e.getValue().read(done, chunk);
            }
            System.out.println(e.getKey() + " " + bytes);
        }
    }

    /** 2^29 + 16 floats, the last of them 1: more than an int counts bytes of, in a zip64. */
    @Test
    void storagesAbove2GiB() throws Exception {
        long floats = (1L << 29) + 16;
        Path file = folder.resolve("huge.pt");
        ZipStored.write(
                file,
                TorchFile.pickled(Map.of("w", Tensor.of("0", floats))),
                4 * floats,
                ByteBuffer.allocate(4)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putFloat(1)
                        .array());
        TensorData w = Checkpoint.read(file).get("w");
        assertThat(w.byteSize()).isEqualTo(4 * floats);
        ByteBuffer last = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
        w.read(4 * floats - 8, last);
        assertThat(last.flip().getFloat()).isZero();
        assertThat(last.getFloat()).isEqualTo(1);
    }
}
