package org.coolsd.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.coolsd.checkpoint.made.TorchFile;
import org.coolsd.checkpoint.made.TorchFile.Call;
import org.coolsd.checkpoint.made.TorchFile.Global;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TorchPickleTest {
    @TempDir
    Path folder;

    private Path path() {
        return folder.resolve("x.pt");
    }

    private static Map<String, Object> map(Object... pairs) {
        Map<String, Object> map = new LinkedHashMap<>();
        for (int i = 0; i < pairs.length; i += 2) {
            map.put((String) pairs[i], pairs[i + 1]);
        }
        return map;
    }

    static float[] floats(TensorData tensor) throws Exception {
        ByteBuffer bytes = ByteBuffer.allocate((int) tensor.byteSize()).order(ByteOrder.LITTLE_ENDIAN);
        tensor.read(0, bytes);
        float[] values = new float[bytes.capacity() / 4];
        bytes.flip().asFloatBuffer().get(values);
        return values;
    }

    private static Object namespace() {
        return new Call(
                new Global("argparse", "Namespace"),
                List.of(),
                map(
                        "lr",
                        1e-4,
                        "model",
                        "GPT-B",
                        "path",
                        new Call(new Global("pathlib", "PosixPath"), List.of("a"), null)));
    }

    /** numpy.float64(0.5) as protocol 2 has it. */
    private static Object numpyScalar() {
        Object type = new Call(
                new Global("numpy", "dtype"), List.of("f8", false, true), List.of(3, "<", "N", "N", "N", -1, -1, 0));
        Object bytes = new Call(new Global("_codecs", "encode"), List.of("\0\0\0\0\0\0\u00e0?", "latin1"), null);
        return new Call(new Global("numpy.core.multiarray", "scalar"), List.of(type, bytes), null);
    }

    @Test
    void besideTheModelOthersAreLeftAlone() throws Exception {
        Object checkpoint = map(
                "model", map("w", TorchFile.tensor("0", 2, 2)),
                "optimizer",
                        map("state", map("exp_avg", TorchFile.tensor("1", 2, 2)), "missing", TorchFile.tensor("9", 7)),
                "steps", 5000,
                "args", namespace(),
                "more", new Call(new Global("types", "SimpleNamespace"), List.of(), map("a", 1)),
                "classes", List.of(new Global("my.training", "Config"), new Global("__builtin__", "set")),
                "loss", numpyScalar());
        Path file = new TorchFile()
                .pickle(checkpoint)
                .storage("0", 1, 2, 3, 4)
                .storage("1", 5, 6, 7, 8)
                .write(path());
        Map<String, TensorData> tensors = Checkpoint.read(file);
        assertThat(tensors).containsOnlyKeys("w");
        assertThat(tensors.get("w").shape()).containsExactly(2, 2);
        assertThat(floats(tensors.get("w"))).containsExactly(1, 2, 3, 4);
    }

    @Test
    void modelMayBeADescription() throws Exception {
        Path file = new TorchFile()
                .pickle(map("model", map("name", "GPT-B"), "state_dict", map("w", TorchFile.tensor("0", 1))))
                .storage("0", 3)
                .write(path());
        assertThat(floats(Checkpoint.read(file).get("w"))).containsExactly(3);
    }

    @ParameterizedTest
    @ValueSource(strings = {"model", "module", "state_dict", ""})
    void weightsAreFoundUnder(String wrapper) throws Exception {
        Object weights = map("w", TorchFile.tensor("0", 1), "note", "text");
        Path file = new TorchFile()
                .pickle(wrapper.isEmpty() ? weights : map(wrapper, weights, "ema", 1))
                .storage("0", 3)
                .write(path());
        assertThat(Checkpoint.read(file)).containsOnlyKeys("w");
    }

    @Test
    void withoutTensorsTheKeysAreNamed() throws Exception {
        Path file =
                new TorchFile().pickle(map("steps", 3, "ema", map("a", "b"))).write(path());
        assertThatThrownBy(() -> Checkpoint.read(file))
                .isInstanceOf(CheckpointException.class)
                .hasMessage(file
                        + ": holds no tensors by itself or under model, module or state_dict; its keys: steps, ema");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "os.system",
                "posix.system",
                "nt.system",
                "builtins.eval",
                "builtins.exec",
                "builtins.getattr",
                "__builtin__.eval",
                "__builtin__.getattr",
                "builtins.__import__",
                "builtins.open",
                "subprocess.Popen",
                "subprocess.check_output",
                "sys.modules",
                "importlib.import_module",
                "runpy.run_path",
                "pickle.loads",
                "operator.attrgetter",
                "functools.partial",
                "torch.load",
                "numpy.testing._private.utils.runstring",
                "socket.socket",
                "shutil.rmtree",
                "webbrowser.open",
                "ctypes.CDLL",
                "torch.storage._load_from_bytes"
            })
    void whatCanRunCodeIsRefusedWhereverItIs(String name) throws Exception {
        int dot = name.lastIndexOf('.');
        Global evil = new Global(name.substring(0, dot), name.substring(dot + 1));
        for (Object place : new Object[] {evil, new Call(evil, List.of("echo"), null), map("a", List.of(evil))}) {
            Path file = new TorchFile()
                    .pickle(map("model", map("w", TorchFile.tensor("0", 1)), "optimizer", place))
                    .storage("0", 3)
                    .write(path());
            assertThatThrownBy(() -> Checkpoint.read(file))
                    .isInstanceOf(CheckpointException.class)
                    .hasMessage(file + ": the pickle asks for '" + name
                            + "', which can run code; take the weights from somebody you trust, as safetensors");
        }
    }

    @Test
    void namesOfProtocol4AreRefusedToo() throws Exception {
        for (String[] name : new String[][] {{"os", "system"}, {"numpy", "core.os.system"}, {"torch", "a.eval"}}) {
            String pickle = "\u0080\u0004\u008c" + (char) name[0].length() + name[0] + "\u008c"
                    + (char) name[1].length() + name[1] + "\u0093.";
            Path file = new TorchFile()
                    .entry("data.pkl", pickle.getBytes(StandardCharsets.ISO_8859_1))
                    .write(path());
            assertThatThrownBy(() -> Checkpoint.read(file)).hasMessageContaining("'" + name[0] + "." + name[1] + "'");
        }
    }

    @Test
    void tensorsOfOtherKindsAreNotLeftOutInSilence() throws Exception {
        Object quantised = new Call(new Global("torch._utils", "_rebuild_qtensor"), List.of(), null);
        Path file = new TorchFile()
                .pickle(map("w", TorchFile.tensor("0", 1), "q", quantised))
                .storage("0", 3)
                .write(path());
        assertThatThrownBy(() -> Checkpoint.read(file))
                .hasMessage(
                        file + ": tensor 'q' is made by torch._utils._rebuild_qtensor, which is not read; save it as a"
                                + " plain tensor");
    }

    @Test
    void parametersAreTheirTensors() throws Exception {
        Object parameter = new Call(
                new Global("torch._utils", "_rebuild_parameter"),
                List.of(
                        TorchFile.tensor("0", 2),
                        true,
                        new Call(new Global("collections", "OrderedDict"), List.of(), null)),
                null);
        Path file =
                new TorchFile().pickle(map("w", parameter)).storage("0", 3, 4).write(path());
        assertThat(floats(Checkpoint.read(file).get("w"))).containsExactly(3, 4);
    }

    private static TorchFile.Tensor strided(long count, long offset, List<Long> shape, List<Long> strides) {
        return new TorchFile.Tensor("0", count, offset, shape, strides);
    }

    @Test
    void tensorsMayShareAndRepeatTheirStorage() throws Exception {
        Path file = new TorchFile()
                .pickle(map(
                        "rows", strided(4, 0, List.of(3L, 4L), List.of(0L, 1L)),
                        "transposed", strided(4, 0, List.of(2L, 2L), List.of(1L, 2L)),
                        "part", strided(4, 1, List.of(2L), List.of(2L)),
                        "reshaped", strided(4, 0, List.of(1L, 2L, 1L, 2L), List.of(77L, 2L, 5L, 1L)),
                        "scalar", strided(4, 2, List.of(), List.of())))
                .storage("0", 1, 2, 3, 4)
                .write(path());
        Map<String, TensorData> tensors = Checkpoint.read(file);
        assertThat(tensors.get("rows").shape()).containsExactly(3, 4);
        assertThat(floats(tensors.get("rows"))).containsExactly(1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4);
        assertThat(floats(tensors.get("transposed"))).containsExactly(1, 3, 2, 4);
        assertThat(floats(tensors.get("part"))).containsExactly(2, 4);
        assertThat(floats(tensors.get("reshaped"))).containsExactly(1, 2, 3, 4);
        assertThat(tensors.get("scalar").shape()).isEmpty();
        assertThat(floats(tensors.get("scalar"))).containsExactly(3);
        // Any part of the bytes may be asked for, from the middle of an element too.
        TensorData transposed = tensors.get("transposed");
        byte[] whole = TorchFile.floats(1, 3, 2, 4);
        for (int from = 0; from <= 16; from++) {
            for (int to = from; to <= 16; to++) {
                ByteBuffer part = ByteBuffer.allocate(to - from);
                transposed.read(from, part);
                assertThat(part.hasRemaining()).isFalse();
                assertThat(part.array()).isEqualTo(java.util.Arrays.copyOfRange(whole, from, to));
            }
        }
        assertThatThrownBy(() -> transposed.read(13, ByteBuffer.allocate(4)))
                .isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void emptyTensorsKeepTheirShape() throws Exception {
        Path file = new TorchFile()
                .pickle(map(
                        "empty", strided(0, 0, List.of(0L, 3L), List.of(3L, 1L)),
                        "beyond", strided(0, 0, List.of(5L, 0L), List.of(1L, 1L))))
                .storage("0")
                .write(path());
        Map<String, TensorData> tensors = Checkpoint.read(file);
        assertThat(tensors.get("empty").shape()).containsExactly(0, 3);
        assertThat(floats(tensors.get("empty"))).isEmpty();
        assertThat(tensors.get("beyond").shape()).containsExactly(5, 0);
    }

    @Test
    void absurdShapesAreRefusedAtOnce() throws Exception {
        long huge = 1L << 21;
        List<List<Long>> shapes = List.of(
                List.of(huge, huge),
                List.of(Long.MAX_VALUE),
                List.of(Long.MAX_VALUE, Long.MAX_VALUE),
                List.of(1L << 32, 1L << 32),
                List.of(1L << 62, 0L, 1L << 62),
                List.of(-1L, -1L),
                java.util.Collections.nCopies(65, 1L));
        for (List<Long> shape : shapes) {
            Path file = new TorchFile()
                    .pickle(map("w", strided(32, 0, shape, java.util.Collections.nCopies(shape.size(), 0L))))
                    .sparse("data/0", 128, new byte[0], new byte[0])
                    .write(path());
            // The fastest of three: the machine may be busy.
            long fastest = Long.MAX_VALUE;
            for (int i = 0; i < 3; i++) {
                long start = System.nanoTime();
                assertThatThrownBy(() -> Checkpoint.read(file))
                        .isInstanceOf(CheckpointException.class)
                        .hasMessageStartingWith(file + ": tensor 'w' ")
                        .hasMessageNotContaining("\n");
                fastest = Math.min(fastest, System.nanoTime() - start);
            }
            assertThat(fastest).isLessThan(1_000_000_000L);
        }
        Path file = new TorchFile()
                .pickle(map("w", strided(32, 0, List.of(huge, huge), List.of(0L, 0L))))
                .sparse("data/0", 128, new byte[0], new byte[0])
                .write(path());
        assertThat(inSmallHeap(file))
                .contains(
                        file + ": tensor 'w' of shape [2097152, 2097152] repeats 32 elements to 17592186044416 bytes");
    }

    @Test
    void whatReachesBeyondItsStorageIsRefused() throws Exception {
        List<TorchFile.Tensor> beyond = List.of(
                strided(4, 1, List.of(4L), List.of(1L)),
                strided(4, 0, List.of(2L), List.of(4L)),
                strided(4, Long.MAX_VALUE, List.of(2L), List.of(1L)),
                strided(4, 0, List.of(3L), List.of(Long.MAX_VALUE)),
                strided(4, -1, List.of(1L), List.of(1L)),
                strided(4, 0, List.of(2L), List.of(-1L)),
                strided(5, 0, List.of(1L), List.of(1L)),
                strided(-1, 0, List.of(1L), List.of(1L)),
                strided(4, 0, List.of(1L), List.of()),
                strided(Long.MAX_VALUE, 0, List.of(1L), List.of(1L)));
        for (TorchFile.Tensor tensor : beyond) {
            Path file = new TorchFile()
                    .pickle(map("w", tensor))
                    .storage("0", 1, 2, 3, 4)
                    .write(path());
            assertThatThrownBy(() -> Checkpoint.read(file))
                    .as(tensor.toString())
                    .isInstanceOf(CheckpointException.class)
                    .hasMessageStartingWith(file + ": tensor 'w' ");
        }
    }

    @Test
    void aMissingStorageIsNamed() throws Exception {
        Path file = new TorchFile().pickle(map("w", TorchFile.tensor("0", 1))).write(path());
        assertThatThrownBy(() -> Checkpoint.read(file))
                .hasMessage(file + ": tensor 'w' has no storage: entry 'x/data/0' is missing; download the file again");
    }

    @Test
    void bigEndianIsRefused() throws Exception {
        TorchFile torch =
                new TorchFile().pickle(map("w", TorchFile.tensor("0", 1))).storage("0", 1);
        assertThat(Checkpoint.read(torch.entry("byteorder", "little".getBytes(StandardCharsets.US_ASCII))
                        .write(path())))
                .containsOnlyKeys("w");
        Path big = torch.entry("byteorder", "big".getBytes(StandardCharsets.US_ASCII))
                .write(path());
        assertThatThrownBy(() -> Checkpoint.read(big)).hasMessageContaining("big-endian");
    }

    @Test
    void compressedEntriesAreRefusedInWords() throws Exception {
        try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(path()))) {
            zip.putNextEntry(new ZipEntry("x/data.pkl"));
            zip.write(TorchFile.pickled(map("w", TorchFile.tensor("0", 1))));
        }
        assertThatThrownBy(() -> Checkpoint.read(path()))
                .hasMessage(path()
                        + ": entry 'x/data.pkl' is compressed or encrypted, as torch.save never writes it; unpack"
                        + " the zip and pack it again with 'zip -0 -r'");
    }

    /** One list that makes many dictionaries. */
    @Test
    void aShortPickleDoesNotFillTheMemory() throws Exception {
        StringBuilder pickle = new StringBuilder("\u0080\u0002](");
        pickle.append("K\1K\2\u0086".repeat(1000)).append("eq\0");
        pickle.append("ccollections\nOrderedDict\nq\1");
        pickle.append("h\1h\0\u0085R".repeat(100_000)).append('.');
        Path file = new TorchFile()
                .entry("data.pkl", pickle.toString().getBytes(StandardCharsets.ISO_8859_1))
                .write(path());
        assertThat(inSmallHeap(file)).contains("damaged pickle: dictionaries of more pairs than it has bytes");
    }

    @Test
    void aPickleOfNothingCostsNoMemory() throws Exception {
        Path file = new TorchFile()
                .sparse("data.pkl", 60 << 20, new byte[0], new byte[0])
                .write(path());
        assertThat(inSmallHeap(file)).contains(file + ": the pickle has opcode 0x0 at byte 0");
        new TorchFile().sparse("data.pkl", 1L << 30, new byte[0], new byte[0]).write(file);
        assertThat(inSmallHeap(file))
                .contains(file + ": entry 'x/data.pkl' has 1073741824 bytes, more than the 67108864");
    }

    @Test
    void aFileThatBecomesShorterIsNamed() throws Exception {
        Path file = new TorchFile()
                .pickle(map(
                        "w", TorchFile.tensor("0", 4),
                        "transposed", strided(4, 0, List.of(2L, 2L), List.of(1L, 2L))))
                .storage("0", 1, 2, 3, 4)
                .write(path());
        Map<String, TensorData> tensors = Checkpoint.read(file);
        Files.write(file, new byte[20]);
        for (TensorData tensor : tensors.values()) {
            assertThatThrownBy(() -> tensor.read(0, ByteBuffer.allocate(16)))
                    .isInstanceOf(CheckpointException.class)
                    .hasMessageStartingWith(file + ": cut short at byte ");
        }
    }

    @Test
    void damagedZipsAreOneLine() throws Exception {
        TorchFile torch =
                new TorchFile().pickle(map("w", TorchFile.tensor("0", 1))).storage("0", 1);
        byte[] whole = Files.readAllBytes(torch.write(path()));
        int end = whole.length - 22;
        int end64 = whole.length - 22 - 20 - 56;
        // Comment length, the record's place, how many entries, the directory's length and place.
        int[] places = {end + 20, end - 12, end64 + 32, end64 + 40, end64 + 48, end64 + 55};
        for (int place : places) {
            byte[] damaged = whole.clone();
            damaged[place] ^= 0x41;
            Files.write(path(), damaged);
            assertThatThrownBy(() -> Checkpoint.read(path()))
                    .as("byte %d", place - whole.length)
                    .isInstanceOf(CheckpointException.class)
                    .hasMessageStartingWith(path() + ": ")
                    .hasMessageContaining("download it again");
        }
        String text = new String(whole, StandardCharsets.ISO_8859_1).replace("x/data/0", "x/data/a");
        Files.write(path(), text.getBytes(StandardCharsets.ISO_8859_1));
        assertThatThrownBy(() -> Checkpoint.read(path())).hasMessageContaining("has no storage: entry 'x/data/0'");
        Path twice = torch.storage("1", 2).write(path());
        text = new String(Files.readAllBytes(twice), StandardCharsets.ISO_8859_1).replace("x/data/1", "x/data/0");
        Files.write(twice, text.getBytes(StandardCharsets.ISO_8859_1));
        assertThatThrownBy(() -> Checkpoint.read(twice))
                .hasMessage(twice + ": damaged zip: entry 'x/data/0' is there twice; download it again");
    }

    /** 8 MB of model beside 256 MB of optimizer. */
    @Test
    void onlyTheModelsStoragesAreRead() throws Exception {
        int model = 8 << 20;
        Path file = new TorchFile()
                .pickle(map(
                        "model", map("w", TorchFile.tensor("0", model / 4)),
                        "optimizer", map("m", TorchFile.tensor("1", 64 << 20)),
                        "args", namespace()))
                .sparse("data/0", model, TorchFile.floats(7), TorchFile.floats(1))
                .sparse("data/1", 256L << 20, new byte[0], new byte[0])
                .write(path());
        assertThat(inSmallHeap(file)).isEqualTo("w " + model + " 1.0\n");
    }

    @Test
    void aStorageMayBeLargerThanTheHeap() throws Exception {
        long count = 100 << 18;
        Path file = new TorchFile()
                .pickle(map("w", TorchFile.tensor("0", count)))
                .sparse("data/0", count * 4, new byte[0], TorchFile.floats(1))
                .write(path());
        assertThat(inSmallHeap(file)).isEqualTo("w " + count * 4 + " 1.0\n");
    }

    /** Also through strides, where the storage is mapped in windows. */
    @Test
    void aStorageMayHaveMoreThan2GiB() throws Exception {
        long count = (1L << 29) + 16;
        List<Long> shape = List.of(2L, count / 2);
        Path file = new TorchFile()
                .pickle(map(
                        "w", TorchFile.tensor("0", count),
                        "last", new TorchFile.Tensor("0", count, count - 1, List.of(), List.of()),
                        "transposed",
                                new TorchFile.Tensor("0", count, 0, List.of(count / 2, 2L), List.of(1L, count / 2)),
                        "rows", new TorchFile.Tensor("0", count, 0, shape, List.of(count / 2, 1L))))
                .sparse("data/0", count * 4, TorchFile.floats(5), TorchFile.floats(1))
                .write(path());
        Map<String, TensorData> tensors = Checkpoint.read(file);
        for (String name : new String[] {"w", "transposed", "rows"}) {
            TensorData w = tensors.get(name);
            assertThat(w.byteSize()).isEqualTo(count * 4);
            ByteBuffer last = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
            w.read(count * 4 - 8, last);
            assertThat(last.getFloat(4)).as(name).isEqualTo(1);
            assertThat(last.getFloat(0)).as(name).isEqualTo(0);
        }
        assertThat(floats(tensors.get("last"))).containsExactly(1);
        assertThat(inSmallHeap(file))
                .startsWith("w " + count * 4 + " 1.0\n")
                .contains("transposed " + count * 4 + " 1.0");
    }

    /** Reads the tensors of the file named by the argument and prints name, bytes and last element of each. */
    static final class Reader {
        public static void main(String[] arguments) throws Exception {
            for (Map.Entry<String, TensorData> e :
                    Checkpoint.read(Path.of(arguments[0])).entrySet()) {
                TensorData t = e.getValue();
                ByteBuffer chunk = ByteBuffer.allocate(1 << 20).order(ByteOrder.LITTLE_ENDIAN);
                // Of gigabytes the end is enough.
                long whole = t.byteSize() > 1 << 30 ? t.byteSize() - chunk.capacity() : 0;
                for (long done = whole; done < t.byteSize(); done += chunk.limit()) {
                    chunk.clear().limit((int) Math.min(chunk.capacity(), t.byteSize() - done));
                    t.read(done, chunk);
                }
                System.out.println(e.getKey() + " " + t.byteSize() + " " + chunk.getFloat(chunk.limit() - 4));
            }
        }
    }

    /** What {@link Reader} prints under -Xmx64m. */
    static String inSmallHeap(Path file) throws Exception {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx64m",
                "-XX:MaxDirectMemorySize=16m",
                "-cp",
                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                Reader.class.getName(),
                file.toString()));
        Process reader = new ProcessBuilder(command).redirectErrorStream(true).start();
        try {
            String text = new String(reader.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(reader.waitFor(60, TimeUnit.SECONDS)).isTrue();
            return text;
        } finally {
            reader.destroyForcibly();
        }
    }
}
