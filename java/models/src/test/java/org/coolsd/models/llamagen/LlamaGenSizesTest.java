package org.coolsd.models.llamagen;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.coolsd.checkpoint.CheckpointException;
import org.coolsd.models.Checkpoints;
import org.coolsd.models.Component;
import org.coolsd.models.DecoderComponent;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Published files tell their sizes without a configuration. Files of true size, empty but for their headers. */
class LlamaGenSizesTest {
    private static final Path FIXTURES = Path.of("../checkpoint/src/test/resources/fixtures");

    @TempDir
    private Path folder;

    /** A safetensors file of these tensors, bf16, a hole where their bytes are; published ones are .pt, told by content. */
    private static void write(Path file, Map<String, long[]> shapes) throws IOException {
        StringBuilder header = new StringBuilder("{");
        long end = 0;
        for (Map.Entry<String, long[]> e : shapes.entrySet()) {
            long bytes = 2 * LongStream.of(e.getValue()).reduce(1, (a, b) -> a * b);
            String shape = LongStream.of(e.getValue()).mapToObj(Long::toString).collect(Collectors.joining(","));
            header.append(header.length() > 1 ? "," : "")
                    .append("\"%s\":{\"dtype\":\"BF16\",\"shape\":[%s],\"data_offsets\":[%d,%d]}"
                            .formatted(e.getKey(), shape, end, end + bytes));
            end += bytes;
        }
        byte[] json = header.append("}").toString().getBytes(StandardCharsets.UTF_8);
        try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
            out.write(ByteBuffer.allocate(8)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putLong(json.length)
                    .array());
            out.write(json);
            out.setLength(8 + json.length + end);
        }
    }

    private LlamaGenConfig found(String name, int layers, int dim, int multipleOf) throws IOException {
        write(
                folder.resolve(name),
                LlamaGen.shapes(new LlamaGenConfig(dim, layers, 4, multipleOf, 1e4, 1e-5, 1000, 16384, 1, 256)));
        List<Component> found = Checkpoints.find(folder);
        assertThat(found).hasSize(1);
        return ((LlamaGenComponent) found.get(0)).config();
    }

    @ParameterizedTest
    @CsvSource({
        "c2i_B_256.pt, 12, 768, 12, 2048, 16, LlamaGen-B",
        "c2i_B_384.pt, 12, 768, 12, 2048, 24, LlamaGen-B",
        "c2i_L_384.pt, 24, 1024, 16, 2816, 24, LlamaGen-L",
        "c2i_X_384L.pt, 36, 1280, 20, 3584, 24, LlamaGen-XL",
        "c2i_XXL_384.pt, 48, 1536, 24, 4096, 24, LlamaGen-XXL",
        "c2i_3B_384.pt, 24, 3200, 32, 8704, 24, LlamaGen-3B",
        "my_B_512_run2.safetensors, 12, 768, 12, 2048, 32, LlamaGen-B",
    })
    void publishedSizes(String file, int layers, int dim, int heads, int feedForward, int grid, String name)
            throws Exception {
        LlamaGenConfig config = found(file, layers, dim, 256);
        assertThat(config)
                .isEqualTo(
                        new LlamaGenConfig(dim, layers, heads, feedForward, 1e4, 1e-5, 1000, 16384, 1, grid * grid, 0));
        assertThat(LlamaGenSizes.name(config)).isEqualTo(name);
    }

    @Test
    void aFolderOfOfficialFiles() throws Exception {
        found("c2i_B_256.pt", 12, 768, 256);
        Files.copy(FIXTURES.resolve("vq/model.pt"), folder.resolve("vq_ds16_c2i.pt"));
        List<Component> found = Checkpoints.find(folder);
        assertThat(found).hasSize(2);
        assertThat(found.get(0)).isInstanceOf(LlamaGenComponent.class);
        assertThat(found.get(1)).isInstanceOf(DecoderComponent.class);
        assertThat(found.get(0).summary().architecture())
                .isEqualTo("LlamaGen GPT, LlamaGen-B, c2i, 1000 classes, 16 x 16 tokens");
        // The official code's own count: 111 million.
        assertThat(found.get(0).summary().parameters()).isBetween(110_000_000L, 112_000_000L);
    }

    /** What tells the published tokenizers apart, of their tensors. */
    @ParameterizedTest
    @CsvSource({"vq_ds8_c2i.pt, 1 2 2 4, 8", "vq_ds16_c2i.pt, 1 1 2 2 4, 16", "vq_ds16_t2i.pt, 1 1 2 2 4, 16"})
    void publishedTokenizers(String file, String factors, int pixels) throws Exception {
        Map<String, long[]> shapes = new LinkedHashMap<>();
        shapes.put("quantize.embedding.weight", new long[] {16384, 8});
        shapes.put("encoder.conv_in.weight", new long[] {128, 3, 3, 3});
        shapes.put("encoder.conv_out.weight", new long[] {256, 512, 3, 3});
        shapes.put("decoder.conv_blocks.0.res.0.conv1.weight", new long[] {512, 512, 3, 3});
        String[] widths = factors.split(" ");
        for (int level = 0; level < widths.length; level++) {
            for (int block = 0; block < 2; block++) {
                long width = 128L * Integer.parseInt(widths[level]);
                shapes.put(
                        "encoder.conv_blocks." + level + ".res." + block + ".conv1.weight",
                        new long[] {width, 128, 3, 3});
            }
        }
        write(folder.resolve(file), shapes);
        List<Component> found = Checkpoints.find(folder);
        assertThat(found).hasSize(1);
        assertThat(found.get(0).summary().architecture())
                .isEqualTo("LlamaGen VQ tokenizer, " + pixels + " pixels a token");
        assertThat(found.get(0).summary().vocabulary()).isEqualTo(16384);
    }

    @Test
    void configurationSaysWhatNoTensorTells() throws Exception {
        Files.writeString(folder.resolve("config.json"), "{\"n_head\": 8, \"block_size\": 576, \"rope_base\": 500}");
        LlamaGenConfig config = found("any.safetensors", 2, 64, 32);
        assertThat(config.heads()).isEqualTo(8);
        assertThat(config.grid()).isEqualTo(24);
        assertThat(config.ropeBase()).isEqualTo(500);
    }

    @Test
    void whatCannotBeToldIsRefusedWithTheCure() {
        assertThatThrownBy(() -> found("c2i_S_256.pt", 2, 64, 32))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("c2i_S_256.pt: 2 layers of width 64 are no published size")
                .hasMessageContaining("put a config.json with n_head beside it");
        folder.resolve("c2i_S_256.pt").toFile().delete();
        assertThatThrownBy(() -> found("model_2561.pt", 12, 768, 256))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining(
                        "no tensor tells the size of its images; keep the published name, as in c2i_B_256.pt");
    }

    @Test
    void configurationThatContradictsTensorsIsRefused() throws Exception {
        Files.writeString(folder.resolve("config.json"), "{\"n_layer\": 12, \"vocab_size\": 256, \"block_size\": 256}");
        assertThatThrownBy(() -> found("c2i_B_256.pt", 12, 768, 256))
                .hasMessageContaining("vocab_size is 256, the tensors of c2i_B_256.pt have 16384");
    }
}
