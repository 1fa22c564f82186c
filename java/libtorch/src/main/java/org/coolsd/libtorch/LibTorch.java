package org.coolsd.libtorch;

import java.io.IOException;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.openblas.global.openblas;
import org.bytedeco.pytorch.global.torch;

/** Loads LibTorch the safe way and says how many threads it uses. */
public final class LibTorch {
    private LibTorch() {}

    /**
     * Loads LibTorch. All of its libraries are extracted before the first one is linked: otherwise the first run with
     * an empty cache lets the dynamic linker pick up a system-wide libtorch of another version, and crashes.
     *
     * @param threads threads of matrix products, at least 1
     * @throws IOException in one line if there is no LibTorch for this platform
     */
    public static void load(int threads) throws IOException {
        if (threads < 1) {
            throw new IllegalArgumentException("threads is " + threads + ", at least 1 is needed");
        }
        String platform = Loader.getPlatform();
        if (Loader.cacheResources(torch.class, platform + "/").length == 0) {
            throw new IOException("no LibTorch for " + platform + " on the class path: add org.bytedeco:pytorch:"
                    + platform + " and org.bytedeco:openblas:" + platform);
        }
        try {
            Loader.load(openblas.class);
            Loader.load(torch.class);
        } catch (UnsatisfiedLinkError e) {
            throw new IOException("cannot load LibTorch: " + e.getMessage(), e);
        }
        // Heeds TORCH_CPP_LOG_LEVEL, which the launcher sets: FBGEMM's functions warn that a later LibTorch may lack
        // them.
        torch.initLogging();
        torch.set_num_threads(threads);
        openblas.blas_set_num_threads(threads);
    }
}
