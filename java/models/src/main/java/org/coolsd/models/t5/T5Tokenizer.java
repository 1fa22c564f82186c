package org.coolsd.models.t5;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.coolsd.checkpoint.CheckpointException;
import org.coolsd.models.text.TokenizersLibrary;

/**
 * Tokens of texts, by Hugging Face's tokenizers library. May be shared by threads, of which one at a time is in it.
 */
final class T5Tokenizer implements AutoCloseable {
    /** What LlamaGen reads of a caption, the end token included; the rest is cut off. */
    static final int MAX_TOKENS = 120;

    private final HuggingFaceTokenizer tokenizer;
    private final T5Config config;

    private T5Tokenizer(HuggingFaceTokenizer tokenizer, T5Config config) {
        this.tokenizer = tokenizer;
        this.config = config;
    }

    /**
     * Reads a tokenizer.
     *
     * @param file a tokenizer.json
     * @throws IOException in one line, if there is no such file, it is damaged, or it is another model's
     */
    static T5Tokenizer open(Path file, T5Config config) throws IOException {
        if (!Files.exists(file)) {
            throw new CheckpointException(
                    file, "no such file; download tokenizer.json from where the weights are, spiece.model is not read");
        }
        Map<String, String> options = Map.of(
                "truncation",
                "true",
                "padding",
                "false",
                "maxLength",
                String.valueOf(MAX_TOKENS),
                "modelMaxLength",
                String.valueOf(MAX_TOKENS));
        T5Tokenizer opened = new T5Tokenizer(TokenizersLibrary.open(file, options), config);
        try {
            opened.requireEnd(file);
            return opened;
        } catch (IOException | RuntimeException | Error e) {
            opened.close();
            throw e;
        }
    }

    private void requireEnd(Path file) throws CheckpointException {
        long[] nothing = tokens("");
        if (nothing.length != 1 || nothing[0] != config.endToken()) {
            throw new CheckpointException(
                    file,
                    "does not end texts with token " + config.endToken()
                            + ", the eos_token_id of config.json; it is another model's");
        }
    }

    /**
     * The tokens of {@code text}, the end token last; at most {@link #MAX_TOKENS}.
     *
     * @throws IllegalArgumentException in one line, if a token is none of the encoder's
     */
    synchronized long[] tokens(String text) {
        long[] tokens = tokenizer.encode(text, true, false).getIds();
        for (long token : tokens) {
            if (token < 0 || token >= config.vocabSize()) {
                throw new IllegalArgumentException("tokenizer.json has a token " + token + ", the encoder reads 0.."
                        + (config.vocabSize() - 1) + "; it is another model's");
            }
        }
        return tokens;
    }

    @Override
    public synchronized void close() {
        tokenizer.close();
    }
}
