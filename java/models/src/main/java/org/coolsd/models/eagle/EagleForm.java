package org.coolsd.models.eagle;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import org.bytedeco.pytorch.Tensor;
import org.coolsd.libtorch.DecoderShape;
import org.coolsd.libtorch.Weights;

/** What a target's family says of a drafter that is to be trained for it: of one layer, as wide as the target's. */
public interface EagleForm {
    /** The drafter's sizes. */
    DecoderShape shape();

    /** The drafter's configuration as LANTERN has it: the content of config.json. */
    ObjectNode config();

    /** How it reads sequences. */
    EagleInput input();

    /**
     * Fresh weights under LANTERN's names: normal with deviation 0.02, norms 1, biases 0; the embedding is a copy of the
     * target's, which EAGLE leaves as it is.
     *
     * @throws IOException in one line, if the target's file is damaged
     */
    Weights initialise() throws IOException;

    /** Weights under LANTERN's names as a drafter. */
    EagleWeights of(Weights weights);

    /**
     * The target's head f32 [vocabulary of the decoding loop, dim].
     *
     * @throws IOException in one line, if the target's file is damaged
     */
    Tensor head() throws IOException;
}
