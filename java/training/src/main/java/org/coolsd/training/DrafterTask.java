package org.coolsd.training;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.coolsd.libtorch.Precision;
import org.coolsd.libtorch.Tensors;
import org.coolsd.libtorch.Weights;
import org.coolsd.models.decoder.DecoderTarget;
import org.coolsd.models.decoder.SequenceFeatures;
import org.coolsd.models.decoder.SequenceFeatures.Branch;
import org.coolsd.models.decoder.SequenceFeatures.Whole;
import org.coolsd.models.eagle.EagleDrafter;
import org.coolsd.models.eagle.EagleForm;
import org.coolsd.models.eagle.EagleInput;

/**
 * The drafter, trained as EAGLE does (Li et al. 2024): smooth L1 regression on the target's next feature, plus
 * cross-entropy against the target's distribution through the target's head, where a token is drawn and not forced. Noise on
 * the input features stands for the drafter's own errors. Of a target of any family.
 *
 * @param <C> what the target's sequences are made from
 */
public final class DrafterTask<C> implements TrainingTask, AutoCloseable {
    private static final double NOISE = 0.1;
    private static final double REGRESSION = 1.0;
    /** How often the target's unconditional branch is learnt from. */
    private static final double UNCONDITIONAL = 0.1;

    private static final Precision PRECISION = Precision.BF16;
    private final Tensor images;
    private final IntFunction<C> conditions;
    private final DecoderTarget<C> target;
    private final SequenceFeatures<C> sequences;
    private final EagleInput input;
    private final Weights weights;
    private final EagleDrafter drafter;
    private final Tensor head;

    /**
     * @param images i64 [n, length], tokens of the decoding loop
     * @param conditions what each image is made from
     * @param target stays the caller's, who closes it after this
     * @param form the drafter's, in the target's family
     * @throws IOException in one line, if the target's file is damaged
     */
    public DrafterTask(Tensor images, IntFunction<C> conditions, DecoderTarget<C> target, EagleForm form)
            throws IOException {
        this.images = images;
        this.conditions = conditions;
        this.target = target;
        this.input = form.input();
        head = PRECISION.cast(form.head());
        weights = form.initialise();
        weights.trainable();
        weights.tensors().get("embed_tokens.weight").requires_grad_(false);
        drafter = new EagleDrafter(form.of(weights), input, PRECISION, true);
        sequences = new SequenceFeatures<>(target);
    }

    @Override
    public Weights weights() {
        return weights;
    }

    @Override
    public long examples() {
        return images.size(0);
    }

    /** The branches of a batch, with prefixes of one length. */
    private record Group<C>(List<Branch<C>> branches, List<Whole> wholes) {
        Group() {
            this(new ArrayList<>(), new ArrayList<>());
        }
    }

    @Override
    public Tensor loss(Tensor indices) {
        Map<Integer, Group<C>> groups = new LinkedHashMap<>();
        try (NoGradGuard guard = new NoGradGuard()) {
            List<Branch<C>> branches = branches(indices);
            List<Whole> wholes = sequences.of(branches);
            for (int i = 0; i < branches.size(); i++) {
                Group<C> group = groups.computeIfAbsent(wholes.get(i).prefix().length(), length -> new Group<>());
                group.branches.add(branches.get(i));
                group.wholes.add(wholes.get(i));
            }
        }
        Tensor loss = torch.zeros(1);
        for (Group<C> group : groups.values()) {
            double share = (double) group.branches.size() / indices.size(0);
            loss = loss.add(loss(group).mul(new Scalar(share)));
        }
        return loss.squeeze();
    }

    private List<Branch<C>> branches(Tensor indices) {
        int n = (int) indices.size(0);
        long[] chosen = new long[n];
        new LongPointer(indices.data_ptr()).get(chosen);
        float[] random = new float[n];
        new FloatPointer(torch.rand(n).data_ptr()).get(random);
        List<Branch<C>> branches = new ArrayList<>();
        for (int i = 0; i < n; i++) {
            // Of the last token nothing follows.
            long[] image = new long[(int) images.size(1) - 1];
            new LongPointer(images.select(0, chosen[i]).contiguous().data_ptr()).get(image);
            int[] tokens = Arrays.stream(image).mapToInt(token -> (int) token).toArray();
            branches.add(new Branch<>(conditions.apply((int) chosen[i]), random[i] >= UNCONDITIONAL, tokens));
        }
        return branches;
    }

    private Tensor loss(Group<C> group) {
        int prefix = group.wholes.get(0).prefix().length();
        int n = group.branches.get(0).tokens().length;
        Tensor features = torch.stack(
                new TensorVector(group.wholes.stream().map(Whole::features).toArray(Tensor[]::new)), 0);
        Tensor seen = features.narrow(1, 0, prefix + n - 1L);
        Tensor noisy = seen.add(torch.rand_like(seen).sub(new Scalar(0.5)).mul(new Scalar(2 * NOISE)));
        // Behind the first token, which is never drafted.
        Tensor predicted =
                drafter.features(rows(group, prefix, n), noisy, prefix).narrow(1, prefix - 1L, n);
        Tensor next = features.narrow(1, prefix, n);
        Tensor wanted;
        try (NoGradGuard guard = new NoGradGuard()) {
            wanted = torch.softmax(logits(next), -1);
        }
        Tensor drawn = drawn(group, n);
        Tensor entropy = torch.log_softmax(logits(predicted), -1)
                .mul(wanted)
                .sum(-1)
                .mul(drawn)
                .sum()
                .div(drawn.sum())
                .neg();
        Tensor regression = torch.smooth_l1_loss(predicted, next);
        return entropy.add(regression.mul(new Scalar(REGRESSION)));
    }

    /** The rows of the embedding that the drafter reads, i64 [group, prefix + n - 1]. */
    private Tensor rows(Group<C> group, int prefix, int n) {
        int length = prefix + n - 1;
        long[] rows = new long[group.branches.size() * length];
        for (int i = 0; i < group.branches.size(); i++) {
            for (int j = 0; j < length; j++) {
                rows[i * length + j] = j < prefix - 1
                        ? input.prefixRow(group.wholes.get(i).prefix(), j + 1)
                        : input.row(group.branches.get(i).tokens()[j - prefix + 1]);
            }
        }
        return Tensors.of(rows, group.branches.size(), length);
    }

    /** 1 where a token is drawn and 0 where it is forced, of tokens 1 to n: f32 [group, n]. */
    private Tensor drawn(Group<C> group, int n) {
        float[] drawn = new float[group.branches.size() * n];
        for (int i = 0; i < group.branches.size(); i++) {
            Branch<C> branch = group.branches.get(i);
            for (int k = 1; k <= n; k++) {
                boolean forced = target.conditioning()
                        .allowed(branch.condition(), branch.tokens(), Math.min(k, n), k)
                        .isForced();
                drawn[i * n + k - 1] = forced ? 0 : 1;
            }
        }
        return Tensors.of(drawn, group.branches.size(), n);
    }

    private Tensor logits(Tensor features) {
        return torch.linear(PRECISION.cast(features), head).to(ScalarType.Float);
    }

    /** Frees what the target's passes need. */
    @Override
    public void close() {
        sequences.close();
    }
}
