package org.coolsd.models.text;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.bytedeco.javacpp.Loader;
import org.coolsd.checkpoint.CheckpointException;

/** Hugging Face's tokenizers, whose native code comes in DJL's jar. Nothing is ever fetched or sent. */
public final class TokenizersLibrary {
    private TokenizersLibrary() {}

    /**
     * Reads a tokenizer.
     *
     * @param file a tokenizer.json that is there
     * @param options of {@link HuggingFaceTokenizer}
     * @return a tokenizer that the caller closes
     * @throws IOException in one line, if the file is damaged or the library does not run here
     */
    public static HuggingFaceTokenizer open(Path file, Map<String, String> options) throws IOException {
        stayOffline();
        try {
            return HuggingFaceTokenizer.newInstance(file, options);
        } catch (RuntimeException e) {
            throw new CheckpointException(file, "no tokenizer: " + e.getMessage(), e);
        } catch (LinkageError e) {
            throw new IOException("the tokenizers library does not run here: " + e.getMessage(), e);
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
}
