package org.coolsd.images.decoding;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.coolsd.Logits;
import org.coolsd.libtorch.KvCache;
import org.coolsd.libtorch.OwnedTensors;
import org.coolsd.models.eagle.DrafterForward;
import org.coolsd.models.llamagen.TargetForward;

/** What one thread computes of a sequence: both halves of guidance or one of them, or the sequence without guidance. */
final class Part implements AutoCloseable {
    /** The thread. */
    final int lane;
    /** Whether the first half is the conditional one. */
    final boolean conditional;
    /** 1 or 2. */
    final int halves;

    final KvCache targetCache;
    /** Null where nothing is drafted. */
    final KvCache drafterCache;

    /** Draft logits of position i [halves, vocab], views of one block [halves, draftLength, vocab]. */
    final Tensor[] draftRows;

    private final Tensor draftBlock;
    private final OwnedTensors owned = new OwnedTensors();
    private final int draftLength;
    private final int vocab;
    /** First row of this part in the target pass under way or done last. */
    int targetRow;
    /** First row of this part in the drafter pass under way or done last. */
    int draftRow;

    Part(TargetForward target, DrafterForward drafter, int lane, boolean conditional, int halves, int draftLength) {
        this.lane = lane;
        this.conditional = conditional;
        this.halves = halves;
        this.draftLength = draftLength;
        this.vocab = target.config().vocabSize();
        targetCache = target.newCache(halves);
        drafterCache = draftLength == 0 ? null : drafter.newCache(halves);
        draftBlock = owned.keep(target.placement().zeros(ScalarType.Float, halves, Math.max(1, draftLength), vocab));
        draftRows = new Tensor[draftLength];
        for (int i = 0; i < draftLength; i++) {
            draftRows[i] = owned.keep(draftBlock.select(1, i));
        }
    }

    /** The {@code n} target rows of a half as the verifier sees them. */
    Logits target(long logits, int half, int n) {
        long first = logits + 4L * vocab * (targetRow + (long) half * n);
        return Logits.at(first, Logits.Type.F32, n, vocab, vocab);
    }

    /** All draft rows of a half as the verifier sees them. */
    Logits draft(int half) {
        long first = draftBlock.data_ptr().address() + 4L * vocab * draftLength * half;
        return Logits.at(first, Logits.Type.F32, draftLength, vocab, vocab);
    }

    /**
     * Forgets the last image.
     *
     * @param wipe whether its keys and values may be NaN, which masks do not hide
     */
    void begin(boolean wipe) {
        forget(targetCache, wipe);
        if (drafterCache != null) {
            forget(drafterCache, wipe);
        }
    }

    private static void forget(KvCache cache, boolean wipe) {
        if (wipe) {
            cache.wipe();
        } else {
            cache.rollBack(0);
        }
    }

    @Override
    public void close() {
        targetCache.close();
        if (drafterCache != null) {
            drafterCache.close();
        }
        owned.close();
    }
}
