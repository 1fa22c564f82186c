package org.coolsd.models;

import java.io.IOException;
import org.coolsd.libtorch.Placement;
import org.coolsd.libtorch.Precision;
import org.coolsd.libtorch.Weights;
import org.coolsd.models.eagle.EagleForm;

/** A model that generates the tokens of images. */
public interface TargetComponent extends Component {
    /**
     * Reads the weights.
     *
     * @param precision of the matrix products
     * @return a model that the caller closes
     * @throws IOException in one line, if a file is damaged or does not fit its configuration
     */
    LoadedTarget<?> load(Precision precision, Placement placement) throws IOException;

    /** What its images are asked for with, where no text encoder helps: a label, embeddings of a caption, or text. */
    Class<? extends Prompt> prompts();

    /**
     * A drafter for it that is yet to be trained.
     *
     * @param weights this model's, f32, of which the form reads what it shares; they stay the caller's
     */
    EagleForm drafterForm(Weights weights);
}
