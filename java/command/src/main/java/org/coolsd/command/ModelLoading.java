package org.coolsd.command;

import java.io.IOException;
import java.util.concurrent.atomic.AtomicLong;
import org.coolsd.images.ImageFolder;
import org.coolsd.images.ImagePipeline;

/** Reads the weights of a model folder, and says how far it is where that takes long. */
public final class ModelLoading {
    /** From so many bytes on there is a bar. */
    private static final long LARGE = 500_000_000;

    private ModelLoading() {}

    /** The models of {@code folder}, in the precision and where the options say. */
    public static ImagePipeline<?> load(ImageFolder folder, EngineOptions engine) throws IOException {
        AtomicLong read = new AtomicLong();
        Progress[] bar = new Progress[1];
        long bytes = folder.reading(some -> {
            read.addAndGet(some);
            if (bar[0] != null) {
                bar[0].stepTo(read.get() >> 20);
            }
        });
        if (bytes < LARGE) {
            return ImagePipeline.load(folder, engine.precision(), engine.placement());
        }
        try (Progress loading = Progress.of("load, MiB", bytes >> 20)) {
            bar[0] = loading;
            return ImagePipeline.load(folder, engine.precision(), engine.placement());
        }
    }
}
