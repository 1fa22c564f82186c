package org.coolsd.decode;

import java.util.EnumSet;
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
 * @param reports what results tell beside their tokens, each at the price of a pass over the rows of visited positions
 */
public record DecoderOptions(
        int slots,
        int draftLength,
        DraftPolicy drafts,
        FactorPolicy factors,
        Acceptance acceptance,
        Backend backend,
        Set<VerifierSpec.Report> reports) {
    /** Checks ranges. */
    public DecoderOptions {
        if (slots < 1) {
            throw new IllegalArgumentException("slots is " + slots + ", it must be at least 1");
        }
        Objects.requireNonNull(drafts, "drafts");
        Objects.requireNonNull(factors, "factors");
        Objects.requireNonNull(acceptance, "acceptance");
        Objects.requireNonNull(backend, "backend");
        reports = Set.copyOf(reports);
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
                Set.of());
    }

    /** With room for so many sequences. */
    public DecoderOptions slots(int value) {
        return new DecoderOptions(value, draftLength, drafts, factors, acceptance, backend, reports);
    }

    /** With other draft lengths. */
    public DecoderOptions drafts(DraftPolicy value) {
        return new DecoderOptions(slots, draftLength, value, factors, acceptance, backend, reports);
    }

    /** With other factors. */
    public DecoderOptions factors(FactorPolicy value) {
        return new DecoderOptions(slots, draftLength, drafts, value, acceptance, backend, reports);
    }

    /** With the factors of a schedule. */
    public DecoderOptions schedule(Schedule value) {
        return factors(FactorPolicy.of(value));
    }

    /** With another rule. */
    public DecoderOptions acceptance(Acceptance value) {
        return new DecoderOptions(slots, draftLength, drafts, factors, value, backend, reports);
    }

    /** On another backend. */
    public DecoderOptions backend(Backend value) {
        return new DecoderOptions(slots, draftLength, drafts, factors, acceptance, value, reports);
    }

    /** With the drift in results, or nothing beside the tokens. */
    public DecoderOptions drift(boolean value) {
        return value ? report(VerifierSpec.Report.DRIFT) : report();
    }

    /** With these figures in results. */
    public DecoderOptions report(VerifierSpec.Report... wanted) {
        return new DecoderOptions(slots, draftLength, drafts, factors, acceptance, backend, Set.of(wanted));
    }

    /** What verdicts carry: what results tell, and the drift where budgets are made of it. */
    Set<VerifierSpec.Report> verdictReports() {
        Set<VerifierSpec.Report> all = EnumSet.noneOf(VerifierSpec.Report.class);
        all.addAll(reports);
        if (factors.perStep()) {
            all.add(VerifierSpec.Report.DRIFT);
        }
        return all;
    }

    /** What the verifier of a decoder is for; each request brings its sampling. */
    VerifierSpec spec(int vocab) {
        Sampling own = Sampling.of();
        return new VerifierSpec(
                vocab, factors.schedule().draftLength(draftLength), own, own, acceptance, verdictReports());
    }
}
