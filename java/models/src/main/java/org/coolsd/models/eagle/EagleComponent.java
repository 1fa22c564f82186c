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
    /** Side of the images of the published drafters, in tokens. */
    private static final int GRID = 24;

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
        return Set.of("tokens", "input_features");
    }

    @Override
    public Map<String, Tensor> outputs(Weights weights, Map<String, Tensor> expected) {
        EagleDrafter drafter = EagleDrafter.forInference(config, GRID, weights, Precision.F32);
        if (!expected.keySet().containsAll(Set.of("tokens", "input_features", "output_features"))) {
            return Map.of();
        }
        return Map.of("output_features", drafter.features(expected.get("tokens"), expected.get("input_features")));
    }

    /**
     * Reads the weights.
     *
     * @param target the model whose features it reads
     * @throws IllegalArgumentException in one line, if it is another target's
     * @throws IOException in one line, if the file is damaged or does not fit its configuration
     */
    public DrafterForward load(TargetForward target, Precision precision) throws IOException {
        if (config.dim() != target.config().dim()
                || config.vocabSize() != target.config().vocabSize()) {
            throw new IllegalArgumentException("the drafter " + files + " has width " + config.dim() + " and "
                    + config.vocabSize() + " tokens, the target "
                    + target.config().dim() + " and "
                    + target.config().vocabSize() + "; it is another model's");
        }
        return files.build(weights -> new DrafterForward(config, weights, precision, target));
    }
}
