package org.coolsd.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import java.util.function.IntFunction;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.coolsd.checkpoint.CheckpointException;
import org.coolsd.command.JsonOption;
import org.coolsd.command.MemoryNeed;
import org.coolsd.command.Progress;
import org.coolsd.libtorch.DecoderShape;
import org.coolsd.libtorch.LibTorch;
import org.coolsd.libtorch.Placement;
import org.coolsd.libtorch.Precision;
import org.coolsd.libtorch.Weights;
import org.coolsd.models.Checkpoints;
import org.coolsd.models.Component;
import org.coolsd.models.DrafterComponent;
import org.coolsd.models.LoadedTarget;
import org.coolsd.models.Prompt;
import org.coolsd.models.Summary;
import org.coolsd.models.TargetComponent;
import org.coolsd.models.decoder.DecoderTarget;
import org.coolsd.models.eagle.EagleForm;
import org.coolsd.training.DrafterFolder;
import org.coolsd.training.DrafterTask;
import org.coolsd.training.SamplePrompts;
import org.coolsd.training.TargetSamples;
import org.coolsd.training.TrainingPlan;

/**
 * Trains a drafter for a target in a folder that has none, on images that the target makes itself. What it needs to go on is in
 * {@code drafter-training}, the drafter in {@code drafter}, where {@code generate} finds it.
 *
 * @param path the folder
 * @param target the model
 */
record DrafterTraining(Path path, TargetComponent target) {
    /** Tensors of the size of a batch's logits that an update has in memory. */
    private static final int LOGITS = 6;

    /**
     * Finds the target in {@code path}.
     *
     * @throws CheckpointException in one line, if there is none, or it has a drafter already that was not trained here
     */
    static DrafterTraining open(Path path) throws IOException {
        if (Checkpoints.config(path).path("target").isObject()) {
            throw new CheckpointException(
                    path,
                    "a model folder of this project's own; its drafter is trained with --output in place of --model");
        }
        List<Component> found = Checkpoints.find(path);
        for (Component component : found) {
            if (component instanceof DrafterComponent drafter
                    && !DrafterFolder.isOwn(drafter.files().weightsFile())) {
                throw new CheckpointException(
                        drafter.files().weightsFile(),
                        "a drafter that was not trained here; take it out of the folder to train another");
            }
        }
        return new DrafterTraining(
                path,
                found.stream()
                        .filter(TargetComponent.class::isInstance)
                        .map(TargetComponent.class::cast)
                        .findFirst()
                        .orElseThrow(
                                () -> new CheckpointException(path, "no model that makes tokens of images in it")));
    }

    /** The learning rate unless told otherwise: that of the project's model at its width, less in proportion for wider ones. */
    double learningRate(double atProjectsWidth) throws IOException {
        try (Weights weights = target.files().weights(ScalarType.Float)) {
            return atProjectsWidth
                    * Math.min(1, 128.0 / target.drafterForm(weights).shape().dim());
        }
    }

    /**
     * Samples what is missing, trains, and writes the drafter.
     *
     * @param prompts what the samples show
     * @param samples images to learn from, at least 1
     * @param threads to compute with, at least 1
     */
    void run(TrainingPlan plan, SamplePrompts prompts, int samples, int threads, JsonOption json) throws IOException {
        Path work = Files.createDirectories(path.resolve("drafter-training"));
        // Decoding has small products, and threads of its own; training has large ones to share.
        LibTorch.load(1);
        TargetSamples images = new TargetSamples(work.resolve("tokens.safetensors"), target, prompts, plan.seed());
        Tensor tokens = samples(images, samples, threads);
        LibTorch.load(threads);
        try (Weights weights = target.files().weights(ScalarType.Float)) {
            EagleForm form = target.drafterForm(weights);
            requireMemory(form.shape(), (long) plan.batch() * tokens.size(1));
            try (LoadedTarget<?> loaded = target.load(Precision.BF16, Placement.cpu())) {
                train(loaded, form, tokens, prompts, new TrainingRun("drafter", plan, work), json);
            }
        }
    }

    /** The target; its head, and the drafter's embedding; the drafter with its gradients and moments; the logits of a batch. */
    private void requireMemory(DecoderShape drafter, long batchTokens) throws IOException {
        Summary size = target.summary();
        long dim = drafter.dim();
        long vocabulary = size.vocabulary();
        long codes = Math.min(
                vocabulary, (long) size.imageTokens().to() - size.imageTokens().from());
        long trained = dim * (6 * dim + 3L * drafter.feedForward());
        long bytes = size.memory(Precision.BF16)
                + Float.BYTES * (dim * (vocabulary + codes) + 4 * trained + LOGITS * batchTokens * codes);
        MemoryNeed.of("training", bytes).require();
    }

    private <C> void train(
            LoadedTarget<C> loaded,
            EagleForm form,
            Tensor tokens,
            SamplePrompts prompts,
            TrainingRun run,
            JsonOption json)
            throws IOException {
        if (!(loaded.model(false, 1) instanceof DecoderTarget<C> decoder)) {
            throw new IllegalStateException(target.files() + " is no decoder whose features a drafter could read");
        }
        torch.manual_seed(run.plan().seed());
        Path folder = path.resolve("drafter");
        double loss;
        // Read whenever they are needed: captions of many images are more than there may be room for.
        IntFunction<C> conditions = image -> condition(loaded, prompts.of(image, loaded));
        try (DrafterTask<C> task = new DrafterTask<>(tokens, conditions, decoder, form)) {
            loss = run.run(task);
            DrafterFolder.write(folder, run.folder(), form.config(), task.weights());
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
        run.report(loss, folder, json);
    }

    private static <C> C condition(LoadedTarget<C> loaded, Prompt prompt) {
        try {
            return loaded.condition(prompt);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Tensor samples(TargetSamples images, int count, int threads) throws IOException {
        Precision precision = Precision.fastest();
        int slots = TargetSamples.SLOTS;
        if (images.kept().size(0) < count) {
            Summary size = target.summary();
            MemoryNeed one = MemoryNeed.of("the model", size.memory(precision) + size.perImage());
            one.require();
            OptionalLong there = one.there();
            // As many side by side as there is room for.
            if (there.isPresent() && size.perImage() > 0) {
                slots = (int) Math.min(slots, 1 + (there.getAsLong() - one.needed()) / size.perImage());
            }
        }
        Progress[] bar = new Progress[1];
        try {
            return images.read(count, precision, threads, slots, (decided, all) -> {
                if (bar[0] == null) {
                    bar[0] = Progress.of("sample", all);
                }
                bar[0].stepTo(decided);
            });
        } finally {
            if (bar[0] != null) {
                bar[0].close();
            }
        }
    }
}
