package org.coolsd.onnxruntime;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.coolsd.onnxmodels.LawCheck;
import org.coolsd.onnxmodels.LlamaGenOnnx;
import org.coolsd.onnxmodels.LlamaGenShape;
import org.coolsd.onnxmodels.ModelWeights;
import org.coolsd.onnxmodels.SequenceLaw;

/** A target and a drafter of random weights in ONNX Runtime, and raw calls of the target without a cache. */
final class TinyEngine implements AutoCloseable, SequenceLaw.Engine {
    final OrtEnvironment environment = OrtEnvironment.getEnvironment();
    final LlamaGenShape shape;
    final OrtSession target;
    final OrtSession drafter;

    TinyEngine(LlamaGenShape shape, ModelWeights weights, ModelWeights drafterWeights) throws OrtException {
        this.shape = shape;
        OrtSession.SessionOptions options = new OrtSession.SessionOptions();
        options.setIntraOpNumThreads(1);
        target = environment.createSession(LlamaGenOnnx.target(shape, weights), options);
        drafter = environment.createSession(LlamaGenOnnx.drafter(shape, drafterWeights, weights), options);
    }

    static TinyEngine open() throws OrtException {
        return new TinyEngine(
                LawCheck.TINY,
                ModelWeights.randomTarget(LawCheck.TINY, 1),
                ModelWeights.randomDrafter(LawCheck.TINY, 2));
    }

    OnnxTarget<Integer> model() {
        return OnnxTarget.<Integer>of(environment, target, label -> LawCheck.prompt())
                .guided(label -> LawCheck.nullPrompt());
    }

    OnnxEagle<Integer> eagle() {
        return OnnxEagle.of(environment, drafter);
    }

    /** The past is one position that nothing sees. */
    @Override
    public float[][] logits(int[] ids) {
        long[][] all = {Arrays.stream(ids).asLongStream().toArray()};
        long[][] positions = {new long[ids.length]};
        long[][] mask = {new long[1 + ids.length]};
        for (int i = 0; i < ids.length; i++) {
            positions[0][i] = i;
            mask[0][1 + i] = 1;
        }
        Map<String, OnnxTensor> inputs = new HashMap<>();
        try {
            inputs.put("input_ids", OnnxTensor.createTensor(environment, all));
            inputs.put("position_ids", OnnxTensor.createTensor(environment, positions));
            inputs.put("attention_mask", OnnxTensor.createTensor(environment, mask));
            for (int layer = 0; layer < shape.layers(); layer++) {
                for (String kind : new String[] {"key", "value"}) {
                    float[][][][] past = new float[1][shape.heads()][1][shape.dim() / shape.heads()];
                    inputs.put("past_key_values." + layer + "." + kind, OnnxTensor.createTensor(environment, past));
                }
            }
            try (OrtSession.Result result = target.run(inputs, Set.of("logits"))) {
                return ((float[][][]) result.get(0).getValue())[0];
            }
        } catch (OrtException e) {
            throw new IllegalStateException(e);
        } finally {
            inputs.values().forEach(OnnxTensor::close);
        }
    }

    @Override
    public void close() throws OrtException {
        target.close();
        drafter.close();
    }
}
