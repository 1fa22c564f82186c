package org.coolsd.models;

import java.io.IOException;
import org.coolsd.libtorch.Placement;
import org.coolsd.libtorch.Precision;

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
}
