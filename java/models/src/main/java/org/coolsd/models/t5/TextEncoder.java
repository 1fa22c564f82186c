package org.coolsd.models.t5;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.coolsd.checkpoint.CheckpointException;
import org.coolsd.libtorch.Placement;
import org.coolsd.libtorch.Precision;
import org.coolsd.models.Checkpoints;
import org.coolsd.models.Component;

/**
 * Captions to embeddings, as LlamaGen's official code makes them with flan-t5-xl: the caption is cleaned, cut into at most 120
 * tokens, and encoded. Shared by any number of threads.
 */
public final class TextEncoder implements AutoCloseable {
    private final T5Tokenizer tokenizer;
    private final T5Encoder encoder;

    TextEncoder(T5Tokenizer tokenizer, T5Encoder encoder) {
        this.tokenizer = tokenizer;
        this.encoder = encoder;
    }

    /**
     * The encoder in {@code folder}, not loaded: what it is and the memory it takes, from its headers. Where its weights are
     * there in two formats safetensors are taken.
     *
     * @throws IOException in one line: no such folder, or no T5 in it
     */
    public static T5Component find(Path folder) throws IOException {
        List<T5Component> found = Checkpoints.find(folder).stream()
                .filter(T5Component.class::isInstance)
                .map(T5Component.class::cast)
                .toList();
        if (found.isEmpty()) {
            throw new CheckpointException(folder, "no text encoder in it; one is a T5, such as google/flan-t5-xl");
        }
        return found.stream().filter(TextEncoder::isSafetensors).findFirst().orElse(found.get(0));
    }

    private static boolean isSafetensors(Component component) {
        return component.files().weightsFile().getFileName().toString().contains(".safetensors");
    }

    /**
     * Loads the encoder in {@code folder} on the CPU: its config.json, tokenizer.json and weights, of which the decoder's are
     * left alone.
     *
     * @param precision of the matrix products
     * @return an encoder that the caller closes
     * @throws IOException in one line, if a file is missing, damaged or does not fit its configuration
     */
    public static TextEncoder open(Path folder, Precision precision) throws IOException {
        return find(folder).load(precision, Placement.cpu());
    }

    /** Numbers in a row of what {@link #encode} gives. */
    public int width() {
        return encoder.config().dim();
    }

    /**
     * Reads a caption.
     *
     * @param caption any text, an empty one too: a model of images then has nothing but the end token to go by
     * @return a row of {@link #width} numbers for each of its 1..120 tokens
     */
    public EncodedText encode(String caption) {
        // The official code cleans twice.
        long[] tokens = tokenizer.tokens(CaptionCleaner.clean(CaptionCleaner.clean(caption)));
        return new EncodedText(encoder.forward(tokens), tokens.length);
    }

    /** Frees weights and tokenizer; does nothing the second time. */
    @Override
    public void close() {
        encoder.close();
        tokenizer.close();
    }
}
