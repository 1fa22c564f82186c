package org.coolsd.decode;

import java.util.ArrayList;
import java.util.List;
import org.coolsd.Backend;
import org.coolsd.Sampling;
import org.coolsd.Schedule;
import org.coolsd.Verifier;
import org.coolsd.VerifierSpec;

/** The rules of a decoder: its own, and those that requests have asked for, each opened for the first that does. */
final class Rules<C> {
    private final int vocab;
    private final int slots;
    private final int draftLength;
    private final Backend backend;
    private final List<Rule<C>> all = new ArrayList<>();
    private long stream;

    /** With the decoder's own rule. */
    Rules(DecoderOptions options, int vocab) {
        this.vocab = vocab;
        slots = options.slots();
        draftLength = options.draftLength();
        backend = options.backend();
        open(Rule.Kind.of(options), options.spec(vocab));
    }

    /** The decoder's own. */
    Rule<C> own() {
        return all.get(0);
    }

    /** All of them; a view. */
    List<Rule<C>> all() {
        return all;
    }

    /** The rule of a request's own options, whose factors it says in every step. */
    Rule<C> of(DecoderOptions options) {
        Rule.Kind kind = Rule.Kind.of(options);
        for (Rule<C> rule : all) {
            if (rule.kind.equals(kind)) {
                return rule;
            }
        }
        Schedule.Drafts drafts = neutral(kind.factors()).draftLength(draftLength);
        Sampling sampling = Sampling.of();
        return open(
                kind, new VerifierSpec(vocab, drafts, sampling, sampling, kind.acceptance(), options.verdictReports()));
    }

    private static Schedule neutral(Schedule.Factors factors) {
        return switch (factors) {
            case GIVEN -> Schedule.lossless();
            case BUDGET -> Schedule.budget(0);
            case ENTROPY -> Schedule.entropy(1);
        };
    }

    private Rule<C> open(Rule.Kind kind, VerifierSpec spec) {
        Verifier verifier = Verifier.open(backend, spec);
        try {
            Rule<C> rule = new Rule<>(kind, verifier, slots);
            if (stream != 0) {
                rule.step.stream(stream);
            }
            all.add(rule);
            return rule;
        } catch (RuntimeException | Error e) {
            verifier.close();
            throw e;
        }
    }

    /** Has all steps work in the engine's stream, said again only where it has changed. */
    void follow(long engines) {
        if (engines != stream) {
            stream = engines;
            for (Rule<C> rule : all) {
                rule.step.stream(engines);
            }
        }
    }

    /** Takes {@code slot} out of the steps that are under way. */
    void drop(int slot) {
        for (Rule<C> rule : all) {
            rule.step.drop(slot);
        }
    }

    void close() {
        all.forEach(rule -> rule.verifier.close());
    }
}
