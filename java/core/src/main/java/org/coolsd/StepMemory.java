package org.coolsd;

import org.bytedeco.javacpp.Loader;
import org.coolsd.NativeMemory.OptionalArray;
import org.coolsd.NativeMemory.Struct;
import org.coolsd.VerifierSpec.Report;
import org.coolsd.internal.binding.coolsd_normaliser;
import org.coolsd.internal.binding.coolsd_sample_args;
import org.coolsd.internal.binding.coolsd_sampling;
import org.coolsd.internal.binding.coolsd_verify_args;

/**
 * The native half of a step: the arguments of both calls, and every array that they point to. Sequence k of a call is the
 * k-th active slot. Arrays of inputs are host memory that the device copies; those of outputs are in pages that it is given.
 */
final class StepMemory {
    static final int NORMALISER_WORDS = Loader.sizeof(coolsd_normaliser.class) / Long.BYTES;
    /** The mass of a law is relative to its largest probability. */
    static final int MASS_WORD = Loader.offsetof(coolsd_normaliser.class, "mass") / Long.BYTES;

    private static final int SAMPLING_BYTES = Loader.sizeof(coolsd_sampling.class);
    private static final int NORMALISER_BYTES = Loader.sizeof(coolsd_normaliser.class);

    final NativeMemory in;
    final NativeMemory out;
    final coolsd_verify_args verifyArgs;
    final coolsd_sample_args sampleArgs;

    final LogitsArgument target;
    final LogitsArgument draft;
    final LogitsArgument sampled;
    final OptionalArray normalisers;
    final OptionalArray factors;
    final OptionalArray budgets;
    final OptionalArray targetSamplings;
    final OptionalArray draftSamplings;
    final OptionalArray samplings;

    /** Whether the last verification was given any of the sequences' own samplings, factors or budgets. */
    boolean special;

    private final int length;
    private final Struct verify;
    private final Struct sample;
    private final int verifyBatchAt;
    private final int sampleBatchAt;
    private final int purposeAt;
    private final int draftTokensAt;
    private final int lengthsAt;
    private final int seedsAt;
    private final int positionsAt;
    private final int normalisersAt;
    private final int factorsAt;
    private final int budgetsAt;
    private final int targetSamplingsAt;
    private final int draftSamplingsAt;
    private final int tokensAt;
    private final int acceptedAt;
    private final int statusAt;
    private final int driftAt;
    private final int ratioAt;
    private final int logProbAt;
    private final int usedFactorsAt;
    private final int drawnAt;
    private final int drawnNormalisersAt;
    private final int drawnLogProbAt;

    StepMemory(VerifierSpec spec, int batch, boolean onDevice) {
        length = spec.drafts().length();
        int positions = Math.multiplyExact(batch, length);
        int emitted = Math.multiplyExact(batch, length + 1);
        NativeMemory.Layout inputs = new NativeMemory.Layout();
        int verifyAt = inputs.add(coolsd_verify_args.class);
        int sampleAt = inputs.add(coolsd_sample_args.class);
        draftTokensAt = inputs.add(positions, Integer.BYTES);
        lengthsAt = inputs.add(batch, Integer.BYTES);
        seedsAt = inputs.add(batch, Long.BYTES);
        positionsAt = inputs.add(batch, Long.BYTES);
        normalisersAt = inputs.add(positions, NORMALISER_BYTES);
        factorsAt = inputs.add(positions, Float.BYTES);
        budgetsAt = inputs.add(positions, Float.BYTES);
        targetSamplingsAt = inputs.add(batch, SAMPLING_BYTES);
        draftSamplingsAt = inputs.add(batch, SAMPLING_BYTES);
        int[] offsetsAt = new int[6];
        for (int i = 0; i < offsetsAt.length; i++) {
            offsetsAt[i] = inputs.add(batch, Long.BYTES);
        }
        in = inputs.allocate();

        NativeMemory.Layout outputs = new NativeMemory.Layout();
        tokensAt = outputs.add(emitted, Integer.BYTES);
        acceptedAt = outputs.add(batch, Integer.BYTES);
        statusAt = outputs.add(batch, Integer.BYTES);
        usedFactorsAt = outputs.add(positions, Float.BYTES);
        driftAt = outputs.add(positions, Double.BYTES);
        ratioAt = outputs.add(emitted, Double.BYTES);
        logProbAt = outputs.add(emitted, Double.BYTES);
        drawnAt = outputs.add(batch, Integer.BYTES);
        drawnNormalisersAt = outputs.add(batch, NORMALISER_BYTES);
        drawnLogProbAt = outputs.add(batch, Double.BYTES);
        out = outputs.allocatePages();

        verify = in.struct(verifyAt, coolsd_verify_args.class).putStructSize();
        verify.point("draft_tokens", in, draftTokensAt).point("draft_lengths", in, lengthsAt);
        verify.point("seeds", in, seedsAt).point("positions", in, positionsAt);
        verify.point("tokens", out, tokensAt).point("accepted", out, acceptedAt).point("status", out, statusAt);
        verify.point("factors", out, usedFactorsAt).put("inputs_on_host", onDevice ? 1 : 0);
        if (spec.reports().contains(Report.DRIFT)) {
            verify.point("drift", out, driftAt);
        }
        if (spec.reports().contains(Report.RATIO)) {
            verify.point("ratio", out, ratioAt);
        }
        verifyBatchAt = verify.at("batch");
        target = new LogitsArgument(verify, "target", offsetsAt[0], offsetsAt[1]);
        draft = new LogitsArgument(verify, "draft", offsetsAt[2], offsetsAt[3]);
        normalisers = new OptionalArray(verify, "draft_normalisers", normalisersAt);
        factors = new OptionalArray(verify, "omega", factorsAt);
        budgets = new OptionalArray(verify, "drift_budget", budgetsAt);
        targetSamplings = new OptionalArray(verify, "target_sampling", targetSamplingsAt);
        draftSamplings = new OptionalArray(verify, "draft_sampling", draftSamplingsAt);

        sample = in.struct(sampleAt, coolsd_sample_args.class).putStructSize();
        sample.point("seeds", in, seedsAt).point("positions", in, positionsAt);
        sample.point("tokens", out, drawnAt).point("status", out, statusAt);
        sample.point("normalisers", out, drawnNormalisersAt).put("inputs_on_host", onDevice ? 1 : 0);
        if (spec.reports().contains(Report.LOG_PROB)) {
            verify.point("log_prob", out, logProbAt);
            sample.point("log_prob", out, drawnLogProbAt);
        }
        sampleBatchAt = sample.at("batch");
        purposeAt = sample.at("purpose");
        sampled = new LogitsArgument(sample, "logits", offsetsAt[4], offsetsAt[5]);
        samplings = new OptionalArray(sample, "sampling", draftSamplingsAt);

        verifyArgs = new coolsd_verify_args(new NativeMemory.Address(in.address + verifyAt));
        sampleArgs = new coolsd_sample_args(new NativeMemory.Address(in.address + sampleAt));
    }

    void stream(long handle) {
        verify.point("stream", handle);
        sample.point("stream", handle);
    }

    void verifyBatch(int count) {
        in.bytes.putInt(verifyBatchAt, count);
    }

    void sampleBatch(int count, Purpose purpose) {
        in.bytes.putInt(sampleBatchAt, count);
        in.bytes.putInt(purposeAt, purpose.code());
    }

    /** What sequence {@code k} draws its random numbers with. */
    void putKey(int k, long seed, long position) {
        in.bytes.putLong(seedsAt + Long.BYTES * k, seed);
        in.bytes.putLong(positionsAt + Long.BYTES * k, position);
    }

    /** {@code count} tokens of the draft of sequence {@code k}, from {@code from} on in {@code tokens}. */
    void putDraft(int k, int[] tokens, int from, int count) {
        in.bytes.putInt(lengthsAt + Integer.BYTES * k, count);
        int place = draftTokensAt + Integer.BYTES * k * length;
        for (int i = 0; i < count; i++) {
            in.bytes.putInt(place + Integer.BYTES * i, tokens[from + i]);
        }
    }

    /** The normalisers of {@code count} tokens of sequence {@code k}, from token {@code from} on in {@code words}. */
    void putNormalisers(int k, long[] words, int from, int count) {
        int place = normalisersAt + NORMALISER_BYTES * k * length;
        for (int i = 0; i < NORMALISER_WORDS * count; i++) {
            in.bytes.putLong(place + Long.BYTES * i, words[NORMALISER_WORDS * from + i]);
        }
    }

    void putFactor(int k, int i, float omega) {
        in.bytes.putFloat(factorsAt + Float.BYTES * (k * length + i), omega);
    }

    void putBudget(int k, int i, float drift) {
        in.bytes.putFloat(budgetsAt + Float.BYTES * (k * length + i), drift);
    }

    void putTargetSampling(int k, Sampling sampling) {
        in.put(targetSamplingsAt + SAMPLING_BYTES * k, sampling);
    }

    void putDraftSampling(int k, Sampling sampling) {
        in.put(draftSamplingsAt + SAMPLING_BYTES * k, sampling);
    }

    Status status(int k) {
        return Status.of(out.bytes.getInt(statusAt + Integer.BYTES * k));
    }

    int accepted(int k) {
        return out.bytes.getInt(acceptedAt + Integer.BYTES * k);
    }

    int token(int k, int i) {
        return out.bytes.getInt(tokensAt + Integer.BYTES * (k * (length + 1) + i));
    }

    double drift(int k, int i) {
        return out.bytes.getDouble(driftAt + Double.BYTES * (k * length + i));
    }

    double ratio(int k, int i) {
        return out.bytes.getDouble(ratioAt + Double.BYTES * (k * (length + 1) + i));
    }

    double logProb(int k, int i) {
        return out.bytes.getDouble(logProbAt + Double.BYTES * (k * (length + 1) + i));
    }

    float usedFactor(int k, int i) {
        return out.bytes.getFloat(usedFactorsAt + Float.BYTES * (k * length + i));
    }

    int drawn(int k) {
        return out.bytes.getInt(drawnAt + Integer.BYTES * k);
    }

    double drawnLogProb(int k) {
        return out.bytes.getDouble(drawnLogProbAt + Double.BYTES * k);
    }

    /** Copies the normaliser of the token drawn for sequence {@code k} to that of token {@code to} in {@code words}. */
    void getNormaliser(int k, long[] words, int to) {
        int place = drawnNormalisersAt + NORMALISER_BYTES * k;
        for (int i = 0; i < NORMALISER_WORDS; i++) {
            words[NORMALISER_WORDS * to + i] = out.bytes.getLong(place + Long.BYTES * i);
        }
    }
}
