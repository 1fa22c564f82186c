package org.coolsd.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.coolsd.checkpoint.ElementType;
import org.coolsd.checkpoint.Safetensors;
import org.coolsd.checkpoint.TensorData;
import org.coolsd.models.llamagen.LlamaGen;
import org.coolsd.models.llamagen.LlamaGenConfig;

/** A class-conditional LlamaGen of any size with random weights, written as bf16 in safetensors. */
final class RandomCheckpoint {
    /** A prime number, so that no two rows of a matrix begin alike. */
    private static final int VALUES = 65521;

    private static final short ONE = (short) (Float.floatToRawIntBits(1) >>> 16);

    private RandomCheckpoint() {}

    /** Writes weights and configuration to {@code folder}. */
    static void write(Path folder, LlamaGenConfig config) throws IOException {
        Random random = new Random(1);
        short[] values = new short[VALUES];
        for (int i = 0; i < VALUES; i++) {
            values[i] = (short) (Float.floatToRawIntBits((float) (0.02 * random.nextGaussian())) >>> 16);
        }
        Map<String, TensorData> tensors = new LinkedHashMap<>();
        LlamaGen.shapes(config)
                .forEach((name, shape) -> tensors.put(
                        name,
                        shape.length == 1
                                ? new Repeated(shape, new short[] {ONE}, 0)
                                : new Repeated(shape, values, tensors.size() * 997L)));
        Safetensors.write(folder.resolve("model.safetensors"), tensors, Map.of());
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("dim", config.dim());
        json.put("n_layer", config.layers());
        json.put("n_head", config.heads());
        json.put("multiple_of", config.feedForward());
        json.put("rope_base", config.ropeBase());
        json.put("norm_eps", config.normEps());
        json.put("num_classes", config.numClasses());
        json.put("vocab_size", config.vocabSize());
        json.put("cls_token_num", config.conditions());
        json.put("block_size", config.blockSize());
        json.put("model_type", "c2i");
        Files.writeString(folder.resolve("config.json"), new ObjectMapper().writeValueAsString(json));
    }

    /** bf16 values over and over, from the {@code first} on. */
    private record Repeated(long[] shape, short[] values, long first) implements TensorData {
        @Override
        public ElementType type() {
            return ElementType.BF16;
        }

        /** Chunks begin and end between two elements. */
        @Override
        public void read(long offset, ByteBuffer into) {
            Objects.checkFromIndexSize(offset, into.remaining(), byteSize());
            into.order(ByteOrder.LITTLE_ENDIAN);
            int at = (int) ((first + offset / Short.BYTES) % values.length);
            while (into.hasRemaining()) {
                into.putShort(values[at]);
                at = at + 1 == values.length ? 0 : at + 1;
            }
        }
    }
}
