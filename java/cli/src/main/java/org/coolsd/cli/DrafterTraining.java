package org.coolsd.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.coolsd.checkpoint.CheckpointException;
import org.coolsd.command.JsonOption;
import org.coolsd.command.MemoryNeed;
import org.coolsd.command.Progress;
import org.coolsd.libtorch.LibTorch;
import org.coolsd.libtorch.Precision;
import org.coolsd.libtorch.Tensors;
import org.coolsd.models.Checkpoints;
import org.coolsd.models.Component;
import org.coolsd.models.DrafterComponent;
import org.coolsd.models.Summary;
import org.coolsd.models.TargetComponent;
import org.coolsd.models.eagle.EagleConfig;
import org.coolsd.models.llamagen.LlamaGenComponent;
import org.coolsd.models.llamagen.LlamaGenConfig;
import org.coolsd.training.DrafterFolder;
import org.coolsd.training.DrafterTask;
import org.coolsd.training.TargetSamples;
import org.coolsd.training.TrainingPlan;

/**
 * Trains a drafter for a target in a folder that has none, on images that the target makes itself. What it needs to go on is in
 * {@code drafter-training}, the drafter in {@code drafter}, where {@code generate} finds it.
 *
 * @param path the folder
 * @param target the model, by class
 */
record DrafterTraining(Path path, LlamaGenComponent target) {
    /** Tensors of the size of a batch's logits that an update has in memory. */
    private static final int LOGITS = 6;

    /**
     * Finds the target in {@code path}.
     *
     * @throws CheckpointException in one line, if there is none that drafters are trained for, or it has a drafter already that
     *     was not trained here
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
        TargetComponent target = found.stream()
                .filter(TargetComponent.class::isInstance)
                .map(TargetComponent.class::cast)
                .findFirst()
                .orElseThrow(() -> new CheckpointException(path, "no model that makes tokens of images in it"));
        if (target instanceof LlamaGenComponent gpt && !gpt.config().captions()) {
            return new DrafterTraining(path, gpt);
        }
        throw new CheckpointException(
                target.files().weightsFile(),
                target.summary().architecture() + ": drafters are trained for LlamaGen by class (c2i) only;"
                        + " what needs none: generate --drafter jacobi");
    }

    /** The learning rate unless told otherwise: that of the project's model at its width, less in proportion for wider ones. */
    double learningRate(double atProjectsWidth) {
        return atProjectsWidth * Math.min(1, 128.0 / target.config().dim());
    }

    /**
     * Samples what is missing, trains, and writes the drafter.
     *
     * @param samples images to learn from, at least 1
     * @param threads to compute with, at least 1
     */
    void run(TrainingPlan plan, int samples, int threads, JsonOption json) throws IOException {
        LlamaGenConfig config = target.config();
        Path work = Files.createDirectories(path.resolve("drafter-training"));
        // Decoding has small products, and threads of its own; training has large ones to share.
        LibTorch.load(1);
        Tensor tokens = samples(work.resolve("tokens.safetensors"), plan.seed(), samples, threads);
        LibTorch.load(threads);
        // Read as f32, of which the matrices in bf16 are made.
        Summary size = target.summary();
        long logits = (long) LOGITS * plan.batch() * config.blockSize() * config.vocabSize() * Float.BYTES;
        MemoryNeed.of("training", size.memory(Precision.F32) + size.memory(Precision.BF16) + logits)
                .require();
        torch.manual_seed(plan.seed());
        EagleConfig drafter = DrafterFolder.config(config);
        DrafterTask task = new DrafterTask(
                tokens, labels(samples, config.numClasses()), target.wholeSequences(Precision.BF16), drafter);
        TrainingRun run = new TrainingRun("drafter", plan, work);
        double loss = run.run(task);
        Path folder = path.resolve("drafter");
        DrafterFolder.write(folder, work, drafter, task.weights());
        run.report(loss, folder, json);
    }

    private Tensor samples(Path file, long seed, int count, int threads) throws IOException {
        TargetSamples images = new TargetSamples(file, target, seed);
        long kept = images.kept().size(0);
        Precision precision = Precision.fastest();
        if (kept < count) {
            Summary size = target.summary();
            MemoryNeed.of("the model", size.memory(precision) + TargetSamples.SLOTS * size.perImage())
                    .require();
        }
        try (Progress bar = Progress.of("sample", (long) count * target.config().blockSize())) {
            return images.read(count, precision, threads, bar::stepTo);
        }
    }

    /** The classes of the samples, in turn. */
    private static Tensor labels(int samples, int classes) {
        long[] labels = new long[samples];
        for (int i = 0; i < samples; i++) {
            labels[i] = i % classes;
        }
        return Tensors.of(labels, samples);
    }
}
