package org.coolsd.training;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.coolsd.checkpoint.AtomicFile;
import org.coolsd.checkpoint.Safetensors;
import org.coolsd.libtorch.TensorFiles;
import org.coolsd.libtorch.Tensors;

/**
 * The training loop. Everything random in update s is derived from the seed and s, so a run that was stopped and
 * resumed gives the weights of one that was not.
 */
public final class Training {
    /** Told after every update. */
    public interface Listener {
        /** Update {@code step} of {@code steps} is done with {@code loss}. */
        void updated(long step, long steps, double loss);
    }

    private static final long SAVE_EVERY_NANOS = 60_000_000_000L;
    private final TrainingTask task;
    private final TrainingPlan plan;
    private final Path state;
    private final Path curve;
    private final List<String> lines = new ArrayList<>();

    /**
     * @param state checkpoint of weights, moments and step; read if it is there, written every minute and at the end
     * @param curve CSV of step and loss
     */
    public Training(TrainingTask task, TrainingPlan plan, Path state, Path curve) {
        this.task = task;
        this.plan = plan;
        this.state = state;
        this.curve = curve;
    }

    /** Trains to the plan's last update; the task's weights then hold the result. */
    public void run(Listener listener) throws IOException {
        Map<String, Tensor> parameters = new LinkedHashMap<>();
        task.weights().tensors().forEach((name, t) -> {
            if (t.requires_grad()) {
                parameters.put(name, t);
            }
        });
        AdamW optimiser = new AdamW(parameters, plan.weightDecay());
        long step = resume(parameters, optimiser);
        long saved = System.nanoTime();
        TensorVector all = new TensorVector(parameters.values().toArray(new Tensor[0]));
        while (step < plan.steps()) {
            double loss;
            try (PointerScope scope = new PointerScope()) {
                torch.manual_seed(plan.seed() * 1_000_003 + step);
                Tensor l = task.loss(batch(step));
                l.backward();
                torch.clip_grad_norm_(all, 1.0);
                try (NoGradGuard guard = new NoGradGuard()) {
                    optimiser.update(step + 1, plan.rate(step));
                }
                loss = l.item_double();
            }
            if (!Double.isFinite(loss)) {
                throw new IOException("the loss is " + loss + " at update " + step + "; lower the learning rate");
            }
            step++;
            lines.add(step + "," + (float) loss);
            listener.updated(step, plan.steps(), loss);
            if (step == plan.steps() || System.nanoTime() - saved > SAVE_EVERY_NANOS) {
                save(parameters, optimiser, step);
                saved = System.nanoTime();
            }
        }
    }

    /** The loss of every update so far, those before a resumption included. */
    public double[] losses() {
        return lines.stream()
                .mapToDouble(line -> Double.parseDouble(line.substring(line.indexOf(',') + 1)))
                .toArray();
    }

    /** The examples of update {@code step}: consecutive parts of a permutation that each epoch draws anew. */
    private Tensor batch(long step) {
        int n = Math.toIntExact(task.examples());
        long perEpoch = Math.max(1, n / plan.batch());
        long epoch = step / perEpoch;
        if (epoch != permutedEpoch) {
            permutation = new long[n];
            SplittableRandom random = new SplittableRandom(plan.seed() * 31 + epoch);
            for (int i = 0; i < n; i++) {
                int j = random.nextInt(i + 1);
                permutation[i] = permutation[j];
                permutation[j] = i;
            }
            permutedEpoch = epoch;
        }
        int size = Math.min(plan.batch(), n);
        long[] indices = new long[size];
        System.arraycopy(permutation, (int) (step % perEpoch) * size, indices, 0, size);
        return Tensors.of(indices, size);
    }

    private long permutedEpoch = -1;
    private long[] permutation;

    private long resume(Map<String, Tensor> parameters, AdamW optimiser) throws IOException {
        if (!Files.exists(state)) {
            return 0;
        }
        Safetensors saved = Safetensors.read(state);
        Map<String, Tensor> tensors = TensorFiles.load(saved.tensors());
        Map<String, Tensor> wanted = new LinkedHashMap<>(parameters);
        wanted.putAll(optimiser.moments());
        try (NoGradGuard guard = new NoGradGuard()) {
            for (Map.Entry<String, Tensor> e : wanted.entrySet()) {
                Tensor t = tensors.get(e.getKey());
                if (t == null || !t.sizes().equals(e.getValue().sizes())) {
                    throw new IOException(state + ": does not fit this run at '" + e.getKey() + "'; remove it");
                }
                e.getValue().copy_(t);
            }
        }
        long step = Long.parseLong(saved.metadata().get("step"));
        if (Files.exists(curve)) {
            Files.readAllLines(curve).stream().skip(1).limit(step).forEach(lines::add);
        }
        return step;
    }

    private void save(Map<String, Tensor> parameters, AdamW optimiser, long step) throws IOException {
        Map<String, Tensor> all = new LinkedHashMap<>(parameters);
        all.putAll(optimiser.moments());
        TensorFiles.write(state, all, Map.of("step", Long.toString(step)));
        String text = "update,loss\n" + String.join("\n", lines) + "\n";
        AtomicFile.write(curve, out -> out.write(text.getBytes(StandardCharsets.UTF_8)));
    }
}
