package org.coolsd.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.coolsd.libtorch.LibTorch;

/**
 * LibTorch's operators as one composes them in Java: softmax of all rows at once, gather, compare, residual, multinomial.
 * Few and large operators, and one transfer to the Java heap.
 */
final class LibTorchOperators implements StepPeer {
    private final Draft step;
    private final Tensor target;
    private final Tensor draft;
    private final int[] accepted;
    private final long[] drawn;
    private final float[] ratios;
    private final long[][] tokens;

    LibTorchOperators(Draft step) {
        load();
        this.step = step;
        target = step.target().tensor();
        draft = step.draft().tensor();
        accepted = new int[step.batch()];
        drawn = new long[step.batch()];
        ratios = new float[step.batch() * step.length()];
        tokens = Stream.of(step.tokens())
                .map(turn -> Stream.of(turn)
                        .flatMapToInt(IntStream::of)
                        .asLongStream()
                        .toArray())
                .toArray(long[][]::new);
    }

    /** LibTorch with one thread and a seed. */
    static void load() {
        try {
            LibTorch.load(1);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        torch.manual_seed(1);
    }

    /** The law of every row of {@code logits}, in f32. */
    static Tensor law(Tensor logits, int topK) {
        Tensor kept = logits;
        if (topK > 0) {
            Tensor least = logits.topk(topK, -1, true, false).get0().amin(new long[] {-1}, true);
            kept = logits.masked_fill(logits.lt(least), new Scalar(Double.NEGATIVE_INFINITY));
        }
        return kept.softmax(-1, new ScalarTypeOptional(torch.ScalarType.Float));
    }

    @Override
    public void verify(int turn) {
        try (NoGradGuard guard = new NoGradGuard();
                PointerScope scope = new PointerScope()) {
            Tensor p = law(target, step.topK());
            Tensor q = law(draft, step.topK());
            Tensor index = Tensor.create(tokens[turn], step.batch(), step.length(), 1);
            Tensor ratio = p.narrow(1, 0, step.length()).gather(2, index).div(q.gather(2, index));
            new FloatPointer(ratio.contiguous().data_ptr_float()).get(ratios);
            for (int b = 0; b < step.batch(); b++) {
                accepted[b] = prefix(turn, b);
            }
            Tensor law = step.batch() == 1 ? residual(p, q) : residuals(p, q);
            Tensor token = torch.multinomial(law, 1);
            new LongPointer(token.data_ptr_long()).get(drawn);
        }
    }

    private int prefix(int turn, int b) {
        int from = b * step.length();
        int n = 0;
        while (n < step.length() && step.acceptance().uniform(turn, b, n) < step.omega()[n] * ratios[from + n]) {
            n++;
        }
        return n;
    }

    /** [1, V]: what the token of the only sequence is drawn from. */
    private Tensor residual(Tensor p, Tensor q) {
        int n = accepted[0];
        Tensor law = p.select(1, n);
        return n == step.length() ? law : residual(law, q.select(1, n), step.omega()[n]);
    }

    /** max(P - Q, (1 - omega) P, 0), not normalised. */
    static Tensor residual(Tensor p, Tensor q, float omega) {
        Tensor rest = p.sub(q);
        return (omega < 1 ? torch.maximum(rest, p.mul(new Scalar(1 - omega))) : rest).relu_();
    }

    /** [B, V]: the same for every sequence at once; Q counts for nothing where the whole draft was accepted. */
    private Tensor residuals(Tensor p, Tensor q) {
        int batch = step.batch();
        int length = step.length();
        long[] targetRows = new long[batch];
        long[] draftRows = new long[batch];
        float[] rejected = new float[batch];
        float[] keep = new float[batch];
        for (int b = 0; b < batch; b++) {
            int n = accepted[b];
            targetRows[b] = (long) b * (length + 1) + n;
            draftRows[b] = (long) b * length + Math.min(n, length - 1);
            rejected[b] = n < length ? 1 : 0;
            keep[b] = n < length ? 1 - step.omega()[n] : 1;
        }
        Tensor law = p.flatten(0, 1).index_select(0, Tensor.create(targetRows, batch));
        Tensor out = q.flatten(0, 1).index_select(0, Tensor.create(draftRows, batch));
        Tensor rest = law.sub(out.mul_(Tensor.create(rejected, batch, 1)));
        return torch.maximum(rest, law.mul_(Tensor.create(keep, batch, 1))).relu_();
    }

    /** Draws a token from the first draft row of every sequence. */
    void sample() {
        try (NoGradGuard guard = new NoGradGuard();
                PointerScope scope = new PointerScope()) {
            Tensor q = law(draft.select(1, 0), step.topK());
            Tensor token = torch.multinomial(q, 1);
            new LongPointer(token.data_ptr_long()).get(drawn);
        }
    }

    @Override
    public int accepted(int b) {
        return accepted[b];
    }

    @Override
    public int token(int b) {
        return (int) drawn[b];
    }
}
