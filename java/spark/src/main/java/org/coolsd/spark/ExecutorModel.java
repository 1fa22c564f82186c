package org.coolsd.spark;

import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import org.coolsd.command.MemoryNeed;
import org.coolsd.images.CaptionEncoder;
import org.coolsd.images.ImageFolder;
import org.coolsd.images.ImagePipeline;
import org.coolsd.libtorch.LibTorch;
import org.coolsd.libtorch.Placement;
import org.coolsd.libtorch.Precision;
import org.coolsd.models.Prompt;

/**
 * The models of a job in this JVM, an executor's: the first task that needs them loads them, those beside it wait, and later
 * tasks find them loaded. They are freed when a task needs others and none uses these.
 */
final class ExecutorModel {
    private static final String COUNTED = "org.bytedeco.javacpp.maxPhysicalBytes";

    static {
        // JavaCPP's count of physical memory costs a lock at every allocation and refuses what fits.
        if (System.getProperty(COUNTED) == null) {
            System.setProperty(COUNTED, "0");
        }
    }

    private static final Map<Key, ExecutorModel> LOADED = new HashMap<>();

    /** What makes models different ones. */
    private record Key(String model, Precision precision, String drafter) {}

    private final ImageFolder folder;
    private final ImagePipeline<?> pipeline;
    private final CaptionEncoder captions;
    private int users;

    private ExecutorModel(ImageFolder folder, Precision precision) throws IOException {
        MemoryNeed.of("the model", folder.memory(precision, 1)).require();
        this.folder = folder;
        pipeline = ImagePipeline.load(folder, precision, Placement.cpu());
        captions = new CaptionEncoder(folder.path(), precision);
    }

    /**
     * The models of {@code job}, to be released.
     *
     * @throws IOException in one line, if they cannot be loaded
     */
    static ExecutorModel acquire(ImageJob job) throws IOException {
        synchronized (LOADED) {
            Key key = new Key(job.model(), job.precision(), job.drafter());
            ExecutorModel model = LOADED.get(key);
            if (model == null) {
                LOADED.values().removeIf(ExecutorModel::freed);
                LibTorch.load(1);
                model = new ExecutorModel(
                        job.folder(), job.precision() == null ? Precision.fastest() : job.precision());
                LOADED.put(key, model);
            }
            model.users++;
            return model;
        }
    }

    /** The task that acquired them has ended. */
    void release() {
        synchronized (LOADED) {
            users--;
        }
    }

    /** Frees the models, unless a task uses them. */
    private boolean freed() {
        if (users > 0) {
            return false;
        }
        pipeline.close();
        captions.close();
        return true;
    }

    ImageFolder folder() {
        return folder;
    }

    ImagePipeline<?> pipeline() {
        return pipeline;
    }

    /** A text as the model reads it. */
    Prompt read(String text) throws IOException {
        Prompt.Text asked = new Prompt.Text(text);
        if (!pipeline.target().readsEmbeddings()) {
            return asked;
        }
        synchronized (captions) {
            return captions.encode(asked);
        }
    }
}
