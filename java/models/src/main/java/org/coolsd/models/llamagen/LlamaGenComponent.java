package org.coolsd.models.llamagen;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.coolsd.decode.Window;
import org.coolsd.libtorch.Placement;
import org.coolsd.libtorch.Precision;
import org.coolsd.libtorch.Weights;
import org.coolsd.models.CheckpointFiles;
import org.coolsd.models.LoadedTarget;
import org.coolsd.models.OfficialLaw;
import org.coolsd.models.Summary;
import org.coolsd.models.TargetComponent;

/** A GPT in a checkpoint. */
record LlamaGenComponent(CheckpointFiles files, LlamaGenConfig config) implements TargetComponent {
    @Override
    public Summary summary() throws IOException {
        long positions = config.conditions() + config.blockSize();
        // Keys and values, f32, of both branches.
        long cache = 2L * 2 * config.layers() * positions * config.dim() * Float.BYTES;
        return Summary.of(
                files,
                "LlamaGen GPT c2i, " + config.layers() + " layers of width " + config.dim() + ", " + config.numClasses()
                        + " classes",
                config.vocabSize(),
                Window.ALL,
                name -> true,
                name -> name.equals("output.weight") || name.startsWith("layers.") && !name.contains("norm"),
                cache);
    }

    @Override
    public Set<String> inputs() {
        return Set.of("tokens", "labels");
    }

    @Override
    public Map<String, Tensor> outputs(Weights weights, Map<String, Tensor> expected) {
        LlamaGen model = LlamaGen.forInference(config, weights, Precision.F32);
        Map<String, Tensor> outputs = new LinkedHashMap<>();
        Tensor tokens = expected.get("tokens");
        Tensor labels = expected.get("labels");
        if (tokens != null && labels != null) {
            Tensor none = torch.full_like(labels, new Scalar(config.nullClass()));
            Tensor features = model.features(
                    torch.cat(new TensorVector(labels, none), 0), torch.cat(new TensorVector(tokens, tokens), 0));
            Tensor logits = model.logits(features);
            outputs.put("features", features);
            outputs.put("logits", logits);
            outputs.putAll(OfficialLaw.outputs(logits, expected));
            outputs.keySet().retainAll(expected.keySet());
        }
        return outputs;
    }

    @Override
    public LoadedTarget<?> load(Precision precision, Placement placement) throws IOException {
        return files.build(weights -> {
            TargetForward forward = new TargetForward(config, weights, precision, placement);
            return config.captions()
                    ? new LoadedCaptionModel(forward, precision)
                    : new LoadedClassModel(forward, precision);
        });
    }
}
