package org.coolsd.bench;

import java.util.SplittableRandom;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.StringViewOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;

/**
 * The fastest order of LibTorch's operators that was found: the draft's probabilities kept from drafting, target rows
 * one by one and none after the first rejection, tokens by inverse CDF in place of multinomial.
 */
final class LibTorchTuned implements StepPeer {
    private final Draft step;
    private final Tensor target;
    private final Tensor draft;
    private final Tensor kept;
    private final int[] accepted;
    private final int[] drawn;
    private final SplittableRandom random = new SplittableRandom(3);

    LibTorchTuned(Draft step) {
        this.step = step;
        LibTorchOperators.load();
        target = step.target().tensor();
        draft = step.draft().tensor();
        kept = LibTorchOperators.law(draft, step.topK());
        accepted = new int[step.batch()];
        drawn = new int[step.batch()];
    }

    @Override
    public void verify(int turn) {
        try (NoGradGuard guard = new NoGradGuard()) {
            for (int b = 0; b < step.batch(); b++) {
                try (PointerScope scope = new PointerScope()) {
                    verify(turn, b);
                }
            }
        }
    }

    private void verify(int turn, int b) {
        Tensor rows = target.select(0, b);
        Tensor q = kept.select(0, b);
        FloatPointer draftLaw = new FloatPointer(q.data_ptr_float());
        int n = 0;
        Tensor law = LibTorchOperators.law(rows.select(0, 0), step.topK());
        while (n < step.length()) {
            int token = step.tokens()[turn][b][n];
            double wanted = step.acceptance().uniform(turn, b, n) * draftLaw.get((long) n * step.vocab() + token);
            if (!(wanted < step.omega()[n] * new FloatPointer(law.data_ptr_float()).get(token))) {
                law = LibTorchOperators.residual(law, q.select(0, n), step.omega()[n]);
                break;
            }
            n++;
            law = LibTorchOperators.law(rows.select(0, n), step.topK());
        }
        accepted[b] = n;
        drawn[b] = draw(law);
    }

    /** A token of the law [V], not normalised. */
    private int draw(Tensor law) {
        Tensor reached = law.cumsum(0);
        float mass = new FloatPointer(reached.data_ptr_float()).get(step.vocab() - 1);
        Scalar wanted = new Scalar(random.nextFloat() * mass);
        return torch.searchsorted(reached, wanted, false, true, new StringViewOptional(), new TensorOptional())
                .item_int();
    }

    /** Draws a token from the first draft row of every sequence. */
    void sample() {
        try (NoGradGuard guard = new NoGradGuard();
                PointerScope scope = new PointerScope()) {
            Tensor q = LibTorchOperators.law(draft.select(1, 0), step.topK());
            for (int b = 0; b < step.batch(); b++) {
                drawn[b] = draw(q.select(0, b));
            }
        }
    }

    @Override
    public int accepted(int b) {
        return accepted[b];
    }

    @Override
    public int token(int b) {
        return drawn[b];
    }
}
