package org.coolsd.models.eagle;

import java.io.IOException;
import java.util.Map;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;
import org.coolsd.decode.Window;
import org.coolsd.libtorch.Precision;
import org.coolsd.libtorch.Weights;
import org.coolsd.models.CheckpointFiles;
import org.coolsd.models.DrafterComponent;
import org.coolsd.models.Summary;
import org.coolsd.models.llamagen.TargetForward;

/**
 * An EAGLE drafter for LlamaGen in a checkpoint.
 *
 * @param files its files
 * @param config its configuration
 */
public record EagleComponent(CheckpointFiles files, EagleConfig config) implements DrafterComponent {
    @Override
    public Summary summary() throws IOException {
        return Summary.of(
                files,
                "EAGLE drafter of width " + config.dim(),
                config.vocabSize(),
                Window.ALL,
                name -> true,
                name -> name.startsWith("layers.") && !name.contains("norm") || name.equals("fc.weight"),
                0);
    }

    @Override
    public Set<String> inputs() {
        return EagleDrafter.INPUTS;
    }

    @Override
    public Map<String, Tensor> outputs(Weights weights, Map<String, Tensor> expected) {
        return EagleDrafter.forInference(config, weights, Precision.F32).outputs(config.conditions(), expected);
    }

    /**
     * Reads the weights.
     *
     * @param target the model whose features it reads
     * @throws IllegalArgumentException in one line, if it is another target's
     * @throws IOException in one line, if the file is damaged or does not fit its configuration
     */
    public DrafterForward load(TargetForward target, Precision precision) throws IOException {
        if (config.captions() != target.config().captions()) {
            throw new IllegalArgumentException("the drafter " + files + " is made for input_type " + config.inputType()
                    + ", the target makes images from "
                    + (target.config().captions() ? "captions" : "classes") + "; it is another model's");
        }
        DrafterComponent.requireSame(
                files,
                config.dim(),
                config.vocabSize(),
                target.config().dim(),
                target.config().vocabSize());
        return files.build(weights -> new DrafterForward(config, weights, precision, target));
    }
}
