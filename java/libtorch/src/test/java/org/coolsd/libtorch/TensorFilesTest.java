package org.coolsd.libtorch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.coolsd.checkpoint.ElementType;
import org.coolsd.checkpoint.Safetensors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TensorFilesTest {
    @TempDir
    Path folder;

    @BeforeAll
    static void load() throws Exception {
        LibTorch.load(1);
    }

    @Test
    void everyTypeAndLayoutSurvives() throws Exception {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        for (ScalarType type : new ScalarType[] {
            ScalarType.Double,
            ScalarType.Float,
            ScalarType.Half,
            ScalarType.BFloat16,
            ScalarType.Long,
            ScalarType.Int,
            ScalarType.Short,
            ScalarType.Char,
            ScalarType.Byte,
            ScalarType.Bool
        }) {
            tensors.put(
                    type.toString(),
                    torch.arange(new org.bytedeco.pytorch.Scalar(6)).view(2, 3).to(type));
        }
        tensors.put("transposed", torch.randn(4, 2).to(ScalarType.BFloat16).t());
        tensors.put("empty", torch.zeros(0, 7));
        tensors.put("scalar", torch.zeros(new long[0]));
        Path file = folder.resolve("x.safetensors");
        TensorFiles.write(file, tensors, Map.of("step", "12"));
        assertThat(Safetensors.read(file).metadata()).isEqualTo(Map.of("step", "12"));
        assertThat(Safetensors.read(file).tensors().values())
                .extracting(t -> t.type())
                .startsWith(ElementType.values());
        Map<String, Tensor> back = TensorFiles.read(file);
        assertThat(back.keySet()).containsExactlyElementsOf(tensors.keySet());
        tensors.forEach((name, t) -> {
            assertThat(back.get(name).scalar_type().intern())
                    .isEqualTo(t.scalar_type().intern());
            assertThat(t.equal(back.get(name))).as(name).isTrue();
        });
    }

    @Test
    void aTypeThatSafetensorsLacksIsRefused() {
        Path file = folder.resolve("x.safetensors");
        Map<String, Tensor> complex = Map.of("c", torch.zeros(2).to(ScalarType.ComplexFloat));
        assertThatThrownBy(() -> TensorFiles.write(file, complex, Map.of()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("tensors of type ComplexFloat cannot be stored");
    }

    @Test
    void tensorsAreConvertedAsTheyAreRead() throws Exception {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        tensors.put("long", torch.randn(3, 700_000).to(ScalarType.BFloat16));
        tensors.put("same", torch.randn(5, 7));
        tensors.put("scalar", torch.zeros(new long[0]).to(ScalarType.Half));
        tensors.put("empty", torch.zeros(0, 7).to(ScalarType.Half));
        Path file = folder.resolve("x.safetensors");
        TensorFiles.write(file, tensors, Map.of());
        Map<String, Tensor> back = TensorFiles.read(file, ScalarType.Float);
        assertThat(back.keySet()).containsExactlyElementsOf(tensors.keySet());
        tensors.forEach((name, t) -> {
            assertThat(back.get(name).scalar_type().intern()).isEqualTo(ScalarType.Float);
            assertThat(t.to(ScalarType.Float).equal(back.get(name))).as(name).isTrue();
        });
    }

    /** One tensor of more than 2 GiB, a hole but for its last bytes: whole, and some rows of it. */
    @Test
    void aTensorMayHaveMoreThan2GiB() throws Exception {
        long rows = (1L << 21) + 1;
        long bytes = rows << 10;
        long disk = Files.getFileStore(folder).getUsableSpace();
        assumeTrue(disk > 2 * bytes, "skipped: " + (disk >> 20) + " MiB of disk are there, 4 GiB may be needed");
        assumeTrue(
                available() > 2 * bytes,
                "skipped: " + (available() >> 20) + " MiB of memory are there, 4 GiB are needed");
        Path file = folder.resolve("large.safetensors");
        byte[] header = "{\"t\": {\"dtype\": \"U8\", \"shape\": [%d, 1024], \"data_offsets\": [0, %d]}}"
                .formatted(rows, bytes)
                .getBytes(StandardCharsets.UTF_8);
        try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
            out.write(ByteBuffer.allocate(8)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putLong(header.length)
                    .array());
            out.write(header);
            out.setLength(8 + header.length + bytes);
            out.seek(out.length() - 3);
            out.write(new byte[] {7, 8, 9});
        }
        Matrix matrix = Matrix.of(Safetensors.read(file).tensors().get("t"));
        assertThat(matrix.read(rows - 1, 1).sum().item_long()).isEqualTo(24);
        try (PointerScope scope = new PointerScope()) {
            Tensor whole = TensorFiles.read(file).get("t");
            assertThat(whole.numel()).isEqualTo(bytes);
            assertThat(whole.select(0, rows - 1)
                            .narrow(0, 1021, 3)
                            .equal(Tensors.of(new long[] {7, 8, 9}, 3).to(ScalarType.Byte)))
                    .isTrue();
            assertThat(whole.select(0, rows - 2).sum().item_long()).isZero();
        }
    }

    /** What memory there is, in bytes; 0 where the system does not say. */
    private static long available() throws Exception {
        Path meminfo = Path.of("/proc/meminfo");
        if (!Files.exists(meminfo)) {
            return 0;
        }
        return Files.readAllLines(meminfo).stream()
                .filter(line -> line.startsWith("MemAvailable:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")) << 10)
                .findFirst()
                .orElse(0);
    }

    /** A torch archive keeps a tensor in strides of a storage that others may share. */
    @Test
    void aStridedTensorOfAnArchiveIsReadRowByRow() throws Exception {
        Path file = folder.resolve("strided.pt");
        try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file))) {
            // {'t': rebuild_tensor(storage 0, offset 1, shape (2, 3), strides (1, 2))}
            String storage = "(X\u0007\0\0\0storagectorch\nFloatStorage\nX\u0001\0\0\0" + "0X\u0003\0\0\0cpuK\u0008tQ";
            String pickle = "\u0080\u0002}X\u0001\0\0\0tctorch._utils\n_rebuild_tensor_v2\n(" + storage
                    + "K\u0001K\u0002K\u0003\u0086K\u0001K\u0002\u0086\u0089}tRs.";
            stored(zip, "x/data.pkl", pickle.getBytes(StandardCharsets.ISO_8859_1));
            ByteBuffer values = ByteBuffer.allocate(32).order(ByteOrder.LITTLE_ENDIAN);
            for (int i = 0; i < 8; i++) {
                values.putFloat(i);
            }
            stored(zip, "x/data/0", values.array());
        }
        Tensor read = TensorFiles.read(file).get("t");
        assertThat(read.equal(Tensors.of(new float[] {1, 3, 5, 2, 4, 6}, 2, 3))).isTrue();
    }

    /** An entry as torch writes it, uncompressed. */
    private static void stored(ZipOutputStream zip, String name, byte[] bytes) throws Exception {
        CRC32 sum = new CRC32();
        sum.update(bytes);
        ZipEntry entry = new ZipEntry(name);
        entry.setMethod(ZipEntry.STORED);
        entry.setSize(bytes.length);
        entry.setCrc(sum.getValue());
        zip.putNextEntry(entry);
        zip.write(bytes);
    }
}
