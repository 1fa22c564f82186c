package org.coolsd.images.decoding;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.IntConsumer;
import org.bytedeco.pytorch.Tensor;
import org.coolsd.Backend;
import org.coolsd.Sampling;
import org.coolsd.Verifier;
import org.coolsd.VerifierSpec;
import org.coolsd.images.ImageRequest;
import org.coolsd.libtorch.PassScope;
import org.coolsd.libtorch.Workers;
import org.coolsd.models.eagle.DrafterForward;
import org.coolsd.models.eagle.DrafterPass;
import org.coolsd.models.llamagen.TargetForward;
import org.coolsd.models.llamagen.TargetPass;

/**
 * The decoding loop: the drafter proposes, the target scores all proposals in one pass, the verifier accepts a prefix and
 * draws one token more. With a draft length of 0 it is plain sampling from the target, through the same code.
 *
 * <p>Images of a batch take every step together and leave when they are complete, so that the next can begin. With
 * guidance other than 1 every image has a conditional and an unconditional half. One call at a time.
 */
public final class SpeculativeDecoder implements AutoCloseable {
    private final TargetForward target;
    private final DrafterForward drafter;
    private final Verifier verifier;
    private final Workers workers;
    private final Lane[] lanes;
    private final List<Sequence> sequences = new ArrayList<>();
    private final List<Sequence> active = new ArrayList<>();
    private final List<Sequence> drafting = new ArrayList<>();
    private final long[] logits;
    private final IntConsumer draftPass = this::draftPass;
    private final IntConsumer targetPass = this::targetPass;
    private final DecodingStats stats = new DecodingStats();

    /** Whether a call is under way, and for good once this is closed. */
    private final AtomicBoolean busy = new AtomicBoolean();

    private boolean closed;

    /** One thread's passes; the drafter's is null where nothing is drafted. */
    private record Lane(TargetPass target, DrafterPass drafter) implements AutoCloseable {
        @Override
        public void close() {
            target.close();
            if (drafter != null) {
                drafter.close();
            }
        }
    }

    /**
     * @param drafter may be null when the draft length is 0; made for the same target
     * @param verification the rule, its factors and the longest draft
     * @param sampling of target and draft alike
     */
    public SpeculativeDecoder(
            TargetForward target,
            DrafterForward drafter,
            Verification verification,
            Sampling sampling,
            DecoderOptions options) {
        int most = verification.drafts().length();
        if (drafter == null && most > 0) {
            throw new IllegalArgumentException("drafter is null, the draft length is " + most);
        }
        this.target = target;
        this.drafter = most == 0 ? null : drafter;
        int vocab = target.config().vocabSize();
        int total = target.config().blockSize();
        boolean guided = sampling.guidance() != 1;
        if (most > 0) {
            drafter.requireMadeFor(target);
        }
        // One image has two halves at most, and those only with guidance. A device has no use for a second thread.
        int work = options.batch() > 1 ? options.batch() : guided ? 2 : 1;
        int threads = target.placement().onDevice() ? 1 : Math.min(options.threads(), work);
        boolean halved = guided && threads == 2 && options.batch() == 1;
        enterModels();
        try {
            verifier = Verifier.open(
                    target.placement().backend(),
                    VerifierSpec.of(vocab, verification.drafts(), sampling)
                            .acceptance(verification.acceptance())
                            .report(VerifierSpec.Report.DRIFT));
        } catch (RuntimeException | Error e) {
            leaveModels();
            throw e;
        }
        workers = new Workers(threads);
        lanes = new Lane[threads];
        logits = new long[threads];
        try (PassScope scope = new PassScope()) {
            int[] rows = new int[threads];
            for (int s = 0; s < options.batch(); s++) {
                List<Part> parts = new ArrayList<>();
                for (int part = 0; part < (halved ? 2 : 1); part++) {
                    int lane = halved ? part : s % threads;
                    int halves = guided && !halved ? 2 : 1;
                    parts.add(new Part(target, drafter, lane, part == 0, halves, most));
                    rows[lane] += halves * (most + 1);
                }
                sequences.add(new Sequence(parts, verifier, verification, options.draftLength(), total));
            }
            for (int lane = 0; lane < threads; lane++) {
                lanes[lane] = new Lane(target.newPass(rows[lane]), most == 0 ? null : drafter.newPass(rows[lane]));
            }
        } catch (RuntimeException | Error e) {
            free();
            throw e;
        }
    }

    /** Counts and times over all images so far. */
    public DecodingStats stats() {
        return stats;
    }

    /** Where the verifier computes. */
    public Backend backend() {
        return verifier.backend();
    }

    /** Threads in use: no more than there is work for. */
    public int threads() {
        return workers.size();
    }

    /**
     * Decodes one image.
     *
     * @return tokens in raster order [blockSize]
     */
    public int[] decode(ImageRequest request, DecodingListener listener) {
        return decode(List.of(request), listener, new Cancellation()).get(0);
    }

    /**
     * Decodes images, as many side by side as the options say.
     *
     * @param cancellation checked before every step
     * @return tokens in raster order [blockSize] of each request; the decoder can be used again whatever is thrown
     * @throws DecodingException if images had logits that give no law, after the others were completed; it has those
     * @throws java.util.concurrent.CancellationException if it was cancelled; what was complete the listener was told
     * @throws IllegalArgumentException if a label is out of range
     */
    public List<int[]> decode(List<ImageRequest> requests, DecodingListener listener, Cancellation cancellation) {
        int classes = target.config().numClasses();
        for (ImageRequest request : requests) {
            if (request.label() < 0 || request.label() >= classes) {
                throw new IllegalArgumentException("label is " + request.label() + ", it must be 0.." + (classes - 1));
            }
        }
        if (!busy.compareAndSet(false, true)) {
            throw new IllegalStateException("the decoder is closed, or decoding in another thread");
        }
        try {
            return decodeAll(requests, listener, cancellation);
        } finally {
            busy.set(false);
        }
    }

    private List<int[]> decodeAll(List<ImageRequest> requests, DecodingListener listener, Cancellation cancellation) {
        long stream = target.placement().stream();
        sequences.forEach(sequence -> sequence.stream(stream));
        List<int[]> images = new ArrayList<>();
        Map<Integer, String> failures = new HashMap<>();
        // A call that an exception ended may have left some.
        active.clear();
        drafting.clear();
        int begun = 0;
        for (Sequence sequence : sequences) {
            if (begun < requests.size()) {
                begun = begin(sequence, requests, begun, images);
                active.add(sequence);
            }
        }
        while (!active.isEmpty()) {
            cancellation.check();
            step(listener);
            for (int i = active.size() - 1; i >= 0; i--) {
                Sequence sequence = active.get(i);
                if (sequence.failure() != null) {
                    failures.put(sequence.image(), sequence.failure());
                    images.set(sequence.image(), null);
                } else if (sequence.complete()) {
                    stats.image(sequence.drift());
                }
                if (sequence.failure() != null || sequence.complete()) {
                    if (begun < requests.size()) {
                        begun = begin(sequence, requests, begun, images);
                    } else {
                        active.remove(i);
                    }
                }
            }
        }
        if (!failures.isEmpty()) {
            throw new DecodingException(images, failures);
        }
        return images;
    }

    private static int begin(Sequence sequence, List<ImageRequest> requests, int next, List<int[]> images) {
        sequence.begin(next, requests.get(next));
        images.add(sequence.tokens());
        return next + 1;
    }

    /** One step of every active sequence. */
    private void step(DecodingListener listener) {
        long begin = System.nanoTime();
        long sampling = 0;
        for (Sequence sequence : active) {
            sequence.beginStep();
            if (sequence.wantsDraft()) {
                drafting.add(sequence);
            }
        }
        while (!drafting.isEmpty()) {
            workers.run(draftPass);
            long before = System.nanoTime();
            for (int i = drafting.size() - 1; i >= 0; i--) {
                drafting.get(i).drawDraft();
                if (drafting.get(i).failure() != null || !drafting.get(i).wantsDraft()) {
                    drafting.remove(i);
                }
            }
            sampling += System.nanoTime() - before;
        }
        long drafted = System.nanoTime();
        workers.run(targetPass);
        long scored = System.nanoTime();
        for (Sequence sequence : active) {
            double drift = sequence.failure() == null ? sequence.verify(logits) : 0;
            if (sequence.failure() != null) {
                listener.failed(sequence.image(), sequence.failure());
                continue;
            }
            stats.step(sequence.lastDrafted(), sequence.lastDecided() - 1);
            listener.verified(sequence.image(), sequence.lastDrafted(), sequence.lastDecided() - 1, drift);
        }
        long verified = System.nanoTime();
        for (Sequence sequence : active) {
            if (sequence.failure() != null) {
                continue;
            }
            int to = sequence.decided();
            listener.decided(sequence.image(), sequence.tokens(), to - sequence.lastDecided(), to);
        }
        stats.time(drafted - begin - sampling, scored - drafted, verified - scored + sampling);
    }

    private void draftPass(int lane) {
        DrafterPass pass = lanes[lane].drafter;
        pass.begin();
        int parts = 0;
        boolean first = false;
        for (Sequence sequence : drafting) {
            for (Part part : sequence.parts) {
                if (part.lane == lane) {
                    // All sequences of a draft pass are at the same draft position.
                    first = sequence.drafts() == 0;
                    part.draftRow = pass.add(
                            part.drafterCache,
                            sequence.tokens(),
                            sequence.draftFrom(),
                            sequence.draftCount(),
                            first ? part.targetRow : part.draftRow,
                            first ? sequence.targetRows() : 1);
                    parts++;
                }
            }
        }
        if (parts == 0) {
            return;
        }
        try (PassScope scope = new PassScope()) {
            Tensor rows = pass.run(first ? lanes[lane].target.features() : pass.predicted());
            for (Sequence sequence : drafting) {
                for (Part part : sequence.parts) {
                    if (part.lane == lane) {
                        part.draftRows[sequence.drafts()].copy_(
                                parts == 1 ? rows : rows.narrow(0, part.draftRow, part.halves));
                    }
                }
            }
        }
    }

    private void targetPass(int lane) {
        TargetPass pass = lanes[lane].target;
        pass.begin();
        boolean any = false;
        for (Sequence sequence : active) {
            for (Part part : sequence.parts) {
                if (part.lane == lane) {
                    part.targetRow = pass.add(
                            part.targetCache,
                            sequence.label(),
                            part.conditional,
                            sequence.tokens(),
                            sequence.targetCount());
                    any = true;
                }
            }
        }
        if (any) {
            try (PassScope scope = new PassScope()) {
                pass.run();
                logits[lane] = pass.logits().data_ptr().address();
            }
        }
    }

    /** Places for images, for tests. */
    List<Sequence> sequences() {
        return sequences;
    }

    /**
     * Frees everything but the models.
     *
     * @throws IllegalStateException if it is decoding in another thread
     */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        if (!busy.compareAndSet(false, true)) {
            throw new IllegalStateException("the decoder is decoding in another thread");
        }
        closed = true;
        free();
    }

    private void free() {
        workers.close();
        sequences.forEach(Sequence::close);
        verifier.close();
        for (Lane lane : lanes) {
            if (lane != null) {
                lane.close();
            }
        }
        leaveModels();
    }

    /** Keeps both models open, or neither. */
    private void enterModels() {
        target.enter();
        try {
            if (drafter != null) {
                drafter.enter();
            }
        } catch (RuntimeException e) {
            target.leave();
            throw e;
        }
    }

    private void leaveModels() {
        if (drafter != null) {
            drafter.leave();
        }
        target.leave();
    }
}
