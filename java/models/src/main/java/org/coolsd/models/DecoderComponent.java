package org.coolsd.models;

import java.io.IOException;

/** A model that makes pictures of codes. */
public interface DecoderComponent extends Component {
    /**
     * Reads the weights, as f32.
     *
     * @return a model that the caller closes
     * @throws IOException in one line, if a file is damaged or does not fit its configuration
     */
    LoadedDecoder load() throws IOException;
}
