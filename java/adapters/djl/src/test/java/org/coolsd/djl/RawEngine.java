package org.coolsd.djl;

import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.ParameterStore;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.Arrays;
import org.coolsd.onnxmodels.LlamaGenShape;
import org.coolsd.onnxmodels.SequenceLaw;

/** Raw calls of a model of the writer, without a cache: the past is one position that nothing sees. */
record RawEngine(Model model, LlamaGenShape shape) implements SequenceLaw.Engine {
    @Override
    public float[][] logits(int[] ids) {
        long[] positions = new long[ids.length];
        long[] mask = new long[1 + ids.length];
        for (int i = 0; i < ids.length; i++) {
            positions[i] = i;
            mask[1 + i] = 1;
        }
        try (NDManager manager = model.getNDManager().newSubManager()) {
            NDList inputs = new NDList();
            inputs.add(named(
                    manager, "input_ids", Arrays.stream(ids).asLongStream().toArray()));
            inputs.add(named(manager, "position_ids", positions));
            inputs.add(named(manager, "attention_mask", mask));
            int channels = shape.dim() / shape.heads();
            for (int i = 0; i < 2 * shape.layers(); i++) {
                NDArray past = manager.create(
                        FloatBuffer.allocate(shape.heads() * channels),
                        new Shape(1, shape.heads(), 1, channels),
                        DataType.FLOAT32);
                past.setName("past_key_values." + i / 2 + (i % 2 == 0 ? ".key" : ".value"));
                inputs.add(past);
            }
            NDList outputs = model.getBlock().forward(new ParameterStore(manager, false), inputs, false);
            float[] values = outputs.get("logits").toFloatArray();
            float[][] rows = new float[ids.length][];
            for (int i = 0; i < rows.length; i++) {
                rows[i] = Arrays.copyOfRange(values, i * shape.vocab(), (i + 1) * shape.vocab());
            }
            outputs.close();
            return rows;
        }
    }

    private static NDArray named(NDManager manager, String name, long[] values) {
        NDArray array = manager.create(LongBuffer.wrap(values), new Shape(1, values.length), DataType.INT64);
        array.setName(name);
        return array;
    }
}
