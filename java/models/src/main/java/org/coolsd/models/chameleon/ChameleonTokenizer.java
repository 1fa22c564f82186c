package org.coolsd.models.chameleon;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.coolsd.models.text.TokenizersLibrary;

/** Chameleon's tokens of texts. May be shared by threads, of which one at a time is in it. */
final class ChameleonTokenizer implements AutoCloseable {
    private final HuggingFaceTokenizer tokenizer;
    private final int vocabSize;

    private ChameleonTokenizer(HuggingFaceTokenizer tokenizer, int vocabSize) {
        this.tokenizer = tokenizer;
        this.vocabSize = vocabSize;
    }

    /**
     * Reads a tokenizer.
     *
     * @param file tokenizer.json, or Meta's text_tokenizer.json
     * @param vocabSize of the model
     * @throws IOException in one line, if it is damaged
     */
    static ChameleonTokenizer open(Path file, int vocabSize) throws IOException {
        return new ChameleonTokenizer(
                TokenizersLibrary.open(file, Map.of("truncation", "false", "padding", "false")), vocabSize);
    }

    /**
     * The tokens of {@code text}, without those that begin or end a sequence.
     *
     * @throws IllegalArgumentException in one line, if a token is none of the model's
     */
    synchronized int[] tokens(String text) {
        long[] ids = tokenizer.encode(text, false, false).getIds();
        int[] tokens = new int[ids.length];
        for (int i = 0; i < ids.length; i++) {
            if (ids[i] < 0 || ids[i] >= vocabSize) {
                throw new IllegalArgumentException("the tokenizer has a token " + ids[i] + ", the model reads 0.."
                        + (vocabSize - 1) + "; it is another model's");
            }
            tokens[i] = (int) ids[i];
        }
        return tokens;
    }

    @Override
    public synchronized void close() {
        tokenizer.close();
    }
}
