package org.coolsd.images;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.coolsd.libtorch.Precision;
import org.coolsd.models.Component;
import org.coolsd.models.Prompt;
import org.coolsd.models.t5.TextEncoder;

/**
 * Reads captions with the text encoder in the folder {@code encoder} of a model's folder. It is loaded for the first caption
 * and freed when this is closed, which may be before the first image is made.
 */
public final class CaptionEncoder implements AutoCloseable {
    private static final int KEPT = 64;

    private final Path folder;
    private final Precision precision;
    /** The last ones read: a server is asked for any number of captions. */
    private final Map<String, Prompt> encoded = new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Prompt> eldest) {
            return size() > KEPT;
        }
    };

    private TextEncoder encoder;

    /**
     * Loads nothing yet.
     *
     * @param model the model's folder
     * @param precision of the matrix products
     */
    public CaptionEncoder(Path model, Precision precision) {
        folder = model.resolve("encoder");
        this.precision = precision;
    }

    /** The encoder in a model's folder, not loaded; empty if it has none. */
    public static Optional<Component> find(Path model) throws IOException {
        Path folder = model.resolve("encoder");
        return Files.isDirectory(folder) ? Optional.of(TextEncoder.find(folder)) : Optional.empty();
    }

    /**
     * What a model that reads embeddings makes images from.
     *
     * @throws IOException in one line, if there is no encoder, or its files are damaged
     */
    public Prompt encode(Prompt.Text prompt) throws IOException {
        Prompt known = encoded.get(prompt.text());
        if (known != null) {
            return known;
        }
        if (encoder == null) {
            if (!Files.isDirectory(folder)) {
                throw new IOException(folder + ": no such folder; to read text this model needs the encoder of"
                        + " flan-t5-xl there, or use --caption-embeddings");
            }
            encoder = TextEncoder.open(folder, precision);
        }
        Prompt prompted = new Prompt.Encoded(encoder.encode(prompt.text()));
        encoded.put(prompt.text(), prompted);
        return prompted;
    }

    /** Frees the encoder. */
    @Override
    public void close() {
        if (encoder != null) {
            encoder.close();
            encoder = null;
        }
    }
}
