package org.coolsd.engine;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.coolsd.Backend;
import org.coolsd.Logits;
import org.coolsd.Sampling;
import org.coolsd.Schedule;
import org.coolsd.Status;
import org.coolsd.Step;
import org.coolsd.Verdict;
import org.coolsd.Verifier;
import org.coolsd.VerifierSpec;
import org.coolsd.engine.model.EagleDrafter;
import org.coolsd.engine.model.KvCache;
import org.coolsd.engine.model.LlamaGen;
import org.coolsd.engine.model.Tensors;

/**
 * The decoding loop: the drafter proposes, the target scores all proposals in one pass, the verifier accepts a prefix
 * and draws one token more. With a draft length of 0 it is plain sampling from the target, through the same code.
 *
 * <p>With guidance other than 1 every pass carries a conditional and an unconditional row. One image at a time, one
 * thread at a time.
 */
public final class SpeculativeDecoder implements AutoCloseable {
    /** Told of tokens as they are decided. */
    @FunctionalInterface
    public interface Listener {
        /** {@code decided} of {@code total} tokens of the image are decided. */
        void progressed(int decided, int total);
    }

    private final LlamaGen target;
    private final EagleDrafter drafter;
    private final Verifier verifier;
    private final Step step;
    private final int draftLength;
    private final boolean guided;
    private final KvCache targetCache;
    private final KvCache drafterCache;
    private final Tensor draftLogits;
    private final int[] draft;
    private final DecodingStats stats = new DecodingStats();

    /**
     * @param drafter may be null when the draft length is 0
     * @param schedule relaxation factors and draft length
     * @param sampling of target and draft alike
     */
    public SpeculativeDecoder(
            LlamaGen target, EagleDrafter drafter, Schedule.Drafts schedule, Sampling sampling, Backend backend) {
        this.target = target;
        this.drafter = drafter;
        this.draftLength = schedule.length();
        this.guided = sampling.guidance() != 1;
        if (drafter == null && draftLength > 0) {
            throw new IllegalArgumentException("drafter is null, the draft length is " + draftLength);
        }
        int vocab = target.config().vocabSize();
        this.verifier = Verifier.open(
                backend, VerifierSpec.of(vocab, schedule, sampling).report(VerifierSpec.Report.DRIFT));
        this.step = verifier.step(1);
        long rows = guided ? 2 : 1;
        this.targetCache = target.newCache(rows);
        this.drafterCache = draftLength == 0 ? null : drafter.newCache(rows);
        this.draftLogits = torch.zeros(rows, Math.max(1, draftLength), vocab);
        this.draft = new int[draftLength];
    }

    /** Counts over all images so far. */
    public DecodingStats stats() {
        return stats;
    }

    /** Where the verifier computes. */
    public Backend backend() {
        return verifier.backend();
    }

    /**
     * Decodes one image.
     *
     * @param label class, 0..numClasses-1
     * @param seed the request's seed; the same seed gives the same tokens
     * @return tokens in raster order [blockSize]
     */
    public int[] decode(int label, long seed, Listener listener) {
        if (label < 0 || label >= target.config().numClasses()) {
            throw new IllegalArgumentException(
                    "label is " + label + ", it must be 0.." + (target.config().numClasses() - 1));
        }
        int total = target.config().blockSize();
        int[] tokens = new int[total];
        targetCache.rollBack(0);
        if (drafterCache != null) {
            drafterCache.rollBack(0);
        }
        // Features that the tokens behind the drafter's cache were drawn from; kept from step to step.
        Tensor known = null;
        int decided = 0;
        while (decided < total) {
            try (NoGradGuard guard = new NoGradGuard();
                    PointerScope scope = new PointerScope()) {
                int length = decided == 0 ? 0 : Math.min(draftLength, total - decided - 1);
                step.begin(0, seed, decided);
                if (length > 0) {
                    draft(tokens, decided, length, known);
                }
                Tensor features = score(label, tokens, decided, length);
                step.verify(rows(target.logits(features), length + 1), length == 0 ? null : rows(draftLogits, length));
                Verdict verdict = step.verdict(0);
                if (verdict.status() != Status.OK) {
                    throw new IllegalStateException("logits at token " + decided + ": " + verdict.status());
                }
                for (int i = 0; i < verdict.length(); i++) {
                    tokens[decided + i] = verdict.token(i);
                }
                stats.step(length, verdict.accepted(), verdict.drift());
                Tensor next = features.narrow(1, 0, verdict.length()).contiguous();
                next.retainReference();
                if (known != null) {
                    known.releaseReference();
                }
                known = next;
                decided += verdict.length();
                targetCache.rollBack(decided);
            }
            listener.progressed(decided, total);
        }
        known.releaseReference();
        stats.image();
        return tokens;
    }

    /** Draws {@code length} draft tokens from position {@code decided} on, and keeps the logits they came from. */
    private void draft(int[] tokens, int decided, int length, Tensor known) {
        int from = decided - (int) known.size(1);
        drafterCache.rollBack(from);
        Tensor ids = ids(tokens, from, decided);
        Tensor features = known;
        for (int i = 0; i < length; i++) {
            Tensor predicted = drafter.features(ids, features, drafterCache);
            features = predicted.narrow(1, predicted.size(1) - 1, 1);
            Tensor logits = target.logits(features);
            draftLogits.narrow(1, i, 1).copy_(logits);
            step.sampleDraft(rows(logits, 1));
            draft[i] = step.draftToken(0, i);
            ids = ids(draft, i, i + 1);
        }
    }

    /** The target's features that predict tokens decided..decided + length. */
    private Tensor score(int label, int[] tokens, int decided, int length) {
        if (decided == 0) {
            long[] labels = {label, target.config().nullClass()};
            Tensor classes = Tensors.of(labels, 2).narrow(0, 0, guided ? 2 : 1);
            return target.features(target.embedClasses(classes), targetCache);
        }
        Tensor last = ids(tokens, decided - 1, decided);
        Tensor all = length == 0 ? last : torch.cat(new TensorVector(last, ids(draft, 0, length)), 1);
        return target.features(target.embedTokens(all), targetCache);
    }

    private Tensor ids(int[] tokens, int from, int to) {
        int n = to - from;
        long[] ids = new long[guided ? 2 * n : n];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = tokens[from + i % n];
        }
        return Tensors.of(ids, guided ? 2 : 1, n);
    }

    /** The first {@code n} rows of logits [1 or 2, at least n, V] as the verifier sees them. */
    private Logits rows(Tensor logits, int n) {
        int vocab = (int) logits.size(2);
        long address = logits.data_ptr().address();
        Logits conditional = Logits.at(address, Logits.Type.F32, n, vocab, vocab);
        if (!guided) {
            return conditional;
        }
        long other = address + 4L * logits.stride(0);
        return conditional.guidedBy(Logits.at(other, Logits.Type.F32, n, vocab, vocab));
    }

    @Override
    public void close() {
        verifier.close();
        targetCache.close();
        if (drafterCache != null) {
            drafterCache.close();
        }
        draftLogits.close();
    }
}
