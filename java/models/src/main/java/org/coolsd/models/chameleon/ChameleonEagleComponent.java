package org.coolsd.models.chameleon;

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
import org.coolsd.models.decoder.DecoderForward;
import org.coolsd.models.eagle.DrafterForward;
import org.coolsd.models.eagle.EagleDrafter;
import org.coolsd.models.eagle.EagleInput;

/**
 * An EAGLE drafter for a Chameleon decoder in a checkpoint.
 *
 * @param biased whether its linear layer adds a bias: {@code bias} of its configuration
 */
record ChameleonEagleComponent(CheckpointFiles files, ChameleonConfig config, boolean biased)
        implements DrafterComponent {
    @Override
    public Summary summary() throws IOException {
        return Summary.of(
                files,
                "EAGLE drafter for Chameleon of width " + config.dim(),
                config.vocabSize(),
                Window.ALL,
                name -> true,
                name -> name.endsWith("_proj.weight") || name.equals("fc.weight"),
                0);
    }

    @Override
    public Set<String> inputs() {
        return EagleDrafter.INPUTS;
    }

    @Override
    public Map<String, Tensor> outputs(Weights weights, Map<String, Tensor> expected) {
        // Tokens of expected.safetensors are the vocabulary's, as the embedding's rows are.
        ChameleonEagle drafter = new ChameleonEagle(config, biased, weights);
        EagleInput input = ChameleonEagle.input(config, config.positions(), 0);
        return new EagleDrafter(drafter, input, Precision.F32, false).outputs(1, expected);
    }

    /**
     * Reads the weights.
     *
     * @param target the decoder whose features it reads
     * @param ofTarget its configuration
     * @param first the vocabulary's number of the decoding loop's token 0
     * @throws IllegalArgumentException in one line, if it is another target's
     * @throws IOException in one line, if the file is damaged or does not fit its configuration
     */
    DrafterForward load(DecoderForward target, ChameleonConfig ofTarget, int first, Precision precision)
            throws IOException {
        DrafterComponent.requireSame(files, config.dim(), config.vocabSize(), ofTarget.dim(), ofTarget.vocabSize());
        return files.build(weights -> new DrafterForward(
                new ChameleonEagle(config, biased, weights),
                ChameleonEagle.input(config, ofTarget.positions(), first),
                precision,
                target));
    }
}
