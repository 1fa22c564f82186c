package org.coolsd.onnxmodels;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.coolsd.checkpoint.ElementType;
import org.coolsd.checkpoint.Safetensors;
import org.coolsd.checkpoint.TensorData;

/**
 * Weights as f32 numbers, row by row, by their official names.
 *
 * @param tensors the numbers by name
 */
public record ModelWeights(Map<String, float[]> tensors) {
    /**
     * Those of a safetensors file of bf16 numbers, which f32 holds exactly.
     *
     * @throws IOException if the file cannot be read, or has tensors of another type
     */
    public static ModelWeights read(Path file) throws IOException {
        Map<String, float[]> all = new LinkedHashMap<>();
        for (Map.Entry<String, TensorData> entry :
                Safetensors.read(file).tensors().entrySet()) {
            TensorData tensor = entry.getValue();
            if (tensor.type() != ElementType.BF16) {
                throw new IOException(file + " has a tensor " + entry.getKey() + " of type " + tensor.type()
                        + ", the example reads BF16");
            }
            ByteBuffer bytes = ByteBuffer.allocate((int) tensor.byteSize()).order(ByteOrder.LITTLE_ENDIAN);
            tensor.read(0, bytes);
            bytes.flip();
            float[] values = new float[bytes.remaining() / 2];
            for (int i = 0; i < values.length; i++) {
                values[i] = Float.intBitsToFloat(bytes.getShort() << 16);
            }
            all.put(entry.getKey(), values);
        }
        return new ModelWeights(all);
    }

    /** Random weights of a target, for tests: normal with a deviation that makes its laws differ from row to row. */
    public static ModelWeights randomTarget(LlamaGenShape shape, long seed) {
        Filler filler = new Filler(seed);
        int d = shape.dim();
        filler.normal("cls_embedding.embedding_table.weight", (shape.classes() + 1) * d);
        filler.normal("tok_embeddings.weight", shape.vocab() * d);
        for (int i = 0; i < shape.layers(); i++) {
            String at = "layers." + i + ".";
            filler.ones(at + "attention_norm.weight", d);
            filler.normal(at + "attention.wqkv.weight", 3 * d * d);
            filler.normal(at + "attention.wo.weight", d * d);
            filler.ones(at + "ffn_norm.weight", d);
            filler.normal(at + "feed_forward.w1.weight", shape.hidden() * d);
            filler.normal(at + "feed_forward.w3.weight", shape.hidden() * d);
            filler.normal(at + "feed_forward.w2.weight", d * shape.hidden());
        }
        filler.ones("norm.weight", d);
        filler.normal("output.weight", shape.vocab() * d);
        return new ModelWeights(filler.all);
    }

    /** Random weights of a drafter, for tests. */
    public static ModelWeights randomDrafter(LlamaGenShape shape, long seed) {
        Filler filler = new Filler(seed);
        int d = shape.dim();
        filler.normal("embed_tokens.weight", shape.vocab() * d);
        filler.normal("fc.weight", d * 2 * d);
        filler.normal("fc.bias", d);
        for (String name : new String[] {"q", "k", "v", "o"}) {
            filler.normal("layers.0.self_attn." + name + "_proj.weight", d * d);
        }
        filler.ones("layers.0.post_attention_layernorm.weight", d);
        filler.normal("layers.0.mlp.gate_proj.weight", shape.hidden() * d);
        filler.normal("layers.0.mlp.up_proj.weight", shape.hidden() * d);
        filler.normal("layers.0.mlp.down_proj.weight", d * shape.hidden());
        return new ModelWeights(filler.all);
    }

    private static final class Filler {
        final Map<String, float[]> all = new LinkedHashMap<>();
        private final Random random;

        Filler(long seed) {
            random = new Random(seed);
        }

        void normal(String name, int count) {
            float[] values = new float[count];
            for (int i = 0; i < count; i++) {
                values[i] = (float) (0.5 * random.nextGaussian());
            }
            all.put(name, values);
        }

        void ones(String name, int count) {
            float[] values = new float[count];
            java.util.Arrays.fill(values, 1);
            all.put(name, values);
        }
    }

    /** The numbers of {@code name}, [rows, columns]. */
    float[] get(String name, int rows, int columns) {
        float[] values = tensors.get(name);
        if (values == null || values.length != rows * columns) {
            throw new IllegalArgumentException("tensor " + name + " has "
                    + (values == null ? "no numbers" : values.length + " numbers") + ", it must be [" + rows + ", "
                    + columns + "]");
        }
        return values;
    }
}
