package org.coolsd.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.coolsd.engine.checkpoint.Checkpoint;
import org.coolsd.engine.checkpoint.Safetensors;
import org.coolsd.engine.data.FashionMnist;
import org.coolsd.engine.model.EagleConfig;
import org.coolsd.engine.model.LlamaGen;
import org.coolsd.engine.model.LlamaGenConfig;
import org.coolsd.engine.model.Precision;
import org.coolsd.engine.model.VqConfig;
import org.coolsd.engine.model.VqTokenizer;
import org.coolsd.engine.model.Weights;
import org.coolsd.engine.train.ClassifierTask;
import org.coolsd.engine.train.DrafterTask;
import org.coolsd.engine.train.TargetTask;
import org.coolsd.engine.train.TokenizerTask;
import org.coolsd.engine.train.Training;
import org.coolsd.engine.train.TrainingPlan;
import org.coolsd.engine.train.TrainingTask;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code coolsd train}: one of the four models, resumable at any time by the same command. */
@Command(name = "train", description = "Trains a model on Fashion-MNIST; run again to resume.")
final class TrainCommand implements Callable<Integer> {
    /** What can be trained. */
    enum Model {
        TOKENIZER,
        CLASSIFIER,
        TARGET,
        DRAFTER
    }

    static final VqConfig VQ = new VqConfig(256, 8, true, 32, new int[] {1, 2}, 32, 1);
    static final LlamaGenConfig GPT = new LlamaGenConfig(160, 12, 5, 32, 10000, 1e-5, 10, 256, 1, 196);
    static final EagleConfig EAGLE = new EagleConfig(160, 448, 5, 1e-6, 256);

    @Parameters(paramLabel = "MODEL", description = "${COMPLETION-CANDIDATES}")
    private Model model;

    @Option(names = "--data", description = "folder of the four IDX files (default: ${DEFAULT-VALUE})")
    private Path data = FashionMnist.DEBIAN;

    @Option(names = "--output", description = "folder of the weights (default: ${DEFAULT-VALUE})")
    private Path output = Path.of("models/fashion");

    @Option(names = "--steps", description = "updates; default depends on the model")
    private Long steps;

    @Option(names = "--batch", description = "examples per update; default depends on the model")
    private Integer batch;

    @Option(names = "--seed", description = "default: ${DEFAULT-VALUE}")
    private long seed = 0;

    @Override
    public Integer call() throws Exception {
        Path run = output.resolve("training");
        Files.createDirectories(run);
        torch.manual_seed(seed);
        TrainingPlan plan;
        TrainingTask task;
        switch (model) {
            case TOKENIZER -> {
                plan = plan(700, 32, 2e-3, 0);
                task = new TokenizerTask(FashionMnist.train(data), VQ);
            }
            case CLASSIFIER -> {
                plan = plan(4000, 128, 1.5e-3, 0.01);
                task = new ClassifierTask(FashionMnist.train(data));
            }
            case TARGET -> {
                plan = plan(4000, 64, 2e-3, 0.05);
                FashionMnist images = FashionMnist.train(data);
                task = new TargetTask(tokens(images, run), images.labels(), GPT);
            }
            default -> {
                plan = plan(4000, 64, 2e-3, 0.01);
                FashionMnist images = FashionMnist.train(data);
                Weights target = weights("target");
                task = new DrafterTask(
                        tokens(images, run),
                        images.labels(),
                        LlamaGen.forInference(GPT, target, Precision.BF16),
                        target.get("tok_embeddings.weight", GPT.vocabSize(), GPT.dim()),
                        EAGLE);
            }
        }
        String name = model.name().toLowerCase(java.util.Locale.ROOT);
        Training training =
                new Training(task, plan, run.resolve(name + ".state.safetensors"), run.resolve(name + ".csv"));
        try (ProgressBar bar = new ProgressBarBuilder()
                .setTaskName(name)
                .setInitialMax(plan.steps())
                .setUpdateIntervalMillis(1000)
                .build()) {
            double[] smooth = {Double.NaN};
            training.run((step, all, loss) -> {
                smooth[0] = Double.isNaN(smooth[0]) ? loss : 0.98 * smooth[0] + 0.02 * loss;
                bar.stepTo(step);
                bar.setExtraMessage(String.format(java.util.Locale.ROOT, "loss %.4f", smooth[0]));
            });
        }
        Map<String, Tensor> half = new LinkedHashMap<>();
        task.weights().tensors().forEach((key, t) -> half.put(key, t.detach().to(torch.ScalarType.BFloat16)));
        Safetensors.write(output.resolve(name + ".safetensors"), half, Map.of("format", "pt"));
        return 0;
    }

    private TrainingPlan plan(long defaultSteps, int defaultBatch, double rate, double decay) {
        return new TrainingPlan(
                steps == null ? defaultSteps : steps, batch == null ? defaultBatch : batch, rate, decay, seed);
    }

    private Weights weights(String name) throws Exception {
        Map<String, Tensor> tensors = Checkpoint.read(output.resolve(name + ".safetensors"));
        tensors.replaceAll((key, t) -> t.to(torch.ScalarType.Float));
        return new Weights(tensors);
    }

    /** The training pictures as tokens i64 [n, 196]; encoded once, then kept beside the training state. */
    private Tensor tokens(FashionMnist images, Path run) throws Exception {
        Path cache = run.resolve("tokens.safetensors");
        if (!Files.exists(cache)) {
            VqTokenizer tokenizer = new VqTokenizer(VQ, weights("tokenizer"));
            TensorVector parts = new TensorVector();
            try (NoGradGuard guard = new NoGradGuard()) {
                for (long at = 0; at < images.size(); at += 500) {
                    long n = Math.min(500, images.size() - at);
                    Tensor kept;
                    try (PointerScope scope = new PointerScope()) {
                        Tensor codes = tokenizer.encode(images.pictures(
                                torch.arange(new org.bytedeco.pytorch.Scalar((double) n))
                                        .add(new org.bytedeco.pytorch.Scalar((double) at))
                                        .to(torch.ScalarType.Long)));
                        kept = codes.to(torch.ScalarType.Int);
                        kept.retainReference();
                    }
                    parts.push_back(kept);
                }
                Safetensors.write(cache, Map.of("tokens", torch.cat(parts, 0)), Map.of());
            }
        }
        return Checkpoint.read(cache).get("tokens").to(torch.ScalarType.Long);
    }
}
