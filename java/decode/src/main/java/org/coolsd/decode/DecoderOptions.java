package org.coolsd.decode;

import java.util.Objects;
import java.util.Set;
import org.coolsd.Acceptance;
import org.coolsd.Backend;
import org.coolsd.Sampling;
import org.coolsd.Schedule;
import org.coolsd.VerifierSpec;

/**
 * How a decoder decodes, whatever is requested. Immutable; every method returns a changed copy.
 *
 * @param slots sequences decoded side by side, at least 1
 * @param draftLength the longest draft L, 0..64; how far ahead a drafter without a model looks
 * @param drafts how many tokens a step drafts, at most draftLength
 * @param factors which factors it relaxes with
 * @param acceptance the rule
 * @param backend where the target's logits are, and where they are verified
 * @param drift whether results tell their drift, which costs a pass over the rows of visited positions
 */
public record DecoderOptions(
        int slots,
        int draftLength,
        DraftPolicy drafts,
        FactorPolicy factors,
        Acceptance acceptance,
        Backend backend,
        boolean drift) {
    /** Checks ranges. */
    public DecoderOptions {
        if (slots < 1) {
            throw new IllegalArgumentException("slots is " + slots + ", it must be at least 1");
        }
        Objects.requireNonNull(drafts, "drafts");
        Objects.requireNonNull(factors, "factors");
        Objects.requireNonNull(acceptance, "acceptance");
        Objects.requireNonNull(backend, "backend");
    }

    /** Lossless, one sequence at a time, drafts of {@code draftLength} tokens, on the CPU. */
    public static DecoderOptions of(int draftLength) {
        return new DecoderOptions(
                1,
                draftLength,
                DraftPolicy.fixed(),
                FactorPolicy.of(Schedule.lossless()),
                Acceptance.token(),
                Backend.cpu(),
                false);
    }

    /** With room for so many sequences. */
    public DecoderOptions slots(int value) {
        return new DecoderOptions(value, draftLength, drafts, factors, acceptance, backend, drift);
    }

    /** With other draft lengths. */
    public DecoderOptions drafts(DraftPolicy value) {
        return new DecoderOptions(slots, draftLength, value, factors, acceptance, backend, drift);
    }

    /** With other factors. */
    public DecoderOptions factors(FactorPolicy value) {
        return new DecoderOptions(slots, draftLength, drafts, value, acceptance, backend, drift);
    }

    /** With the factors of a schedule. */
    public DecoderOptions schedule(Schedule value) {
        return factors(FactorPolicy.of(value));
    }

    /** With another rule. */
    public DecoderOptions acceptance(Acceptance value) {
        return new DecoderOptions(slots, draftLength, drafts, factors, value, backend, drift);
    }

    /** On another backend. */
    public DecoderOptions backend(Backend value) {
        return new DecoderOptions(slots, draftLength, drafts, factors, acceptance, value, drift);
    }

    /** With or without drift in results. */
    public DecoderOptions drift(boolean value) {
        return new DecoderOptions(slots, draftLength, drafts, factors, acceptance, backend, value);
    }

    /** Whether verdicts carry their drift: results tell it, or budgets are made of it. */
    boolean reportsDrift() {
        return drift || factors.perStep();
    }

    /** What verdicts carry. */
    Set<VerifierSpec.Report> reports() {
        return reportsDrift() ? Set.of(VerifierSpec.Report.DRIFT) : Set.of();
    }

    /** What the verifier of a decoder is for; each request brings its sampling. */
    VerifierSpec spec(int vocab) {
        Sampling own = Sampling.of();
        return new VerifierSpec(vocab, factors.schedule().draftLength(draftLength), own, own, acceptance, reports());
    }
}
