package org.coolsd.models.t5;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.bytedeco.javacpp.Loader;
import org.coolsd.checkpoint.CheckpointException;

/**
 * Tokens of texts, by Hugging Face's tokenizers library: its native code comes in DJL's jar. Nothing is ever fetched or sent.
 * May be shared by threads, of which one at a time is in it.
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
        stayOffline();
        T5Tokenizer opened;
        try {
            Map<String, String> options = Map.of(
                    "truncation",
                    "true",
                    "padding",
                    "false",
                    "maxLength",
                    String.valueOf(MAX_TOKENS),
                    "modelMaxLength",
                    String.valueOf(MAX_TOKENS));
            opened = new T5Tokenizer(HuggingFaceTokenizer.newInstance(file, options), config);
        } catch (RuntimeException e) {
            throw new CheckpointException(file, "no tokenizer: " + e.getMessage(), e);
        } catch (LinkageError e) {
            throw new IOException("the tokenizers library does not run here: " + e.getMessage(), e);
        }
        try {
            opened.requireEnd(file);
            return opened;
        } catch (IOException | RuntimeException | Error e) {
            opened.close();
            throw e;
        }
    }

    /**
     * DJL reports each start to its makers from Amazon's machines, and fetches another build of the library where it sees a
     * GPU: neither is wanted. Its library is extracted to where JavaCPP extracts its own.
     */
    private static void stayOffline() throws IOException {
        System.setProperty("OPT_OUT_TRACKING", "true");
        setUnlessSet("RUST_FLAVOR", "cpu");
        setUnlessSet("ENGINE_CACHE_DIR", Loader.getCacheDir().getPath());
    }

    private static void setUnlessSet(String property, String value) {
        if (System.getProperty(property) == null && System.getenv(property) == null) {
            System.setProperty(property, value);
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
