package org.coolsd.decode;

import java.util.Arrays;
import org.coolsd.Acceptance;
import org.coolsd.Logits;
import org.coolsd.LogitsBuffer;
import org.coolsd.Sampling;
import org.coolsd.Schedule;
import org.coolsd.Status;
import org.coolsd.Step;
import org.coolsd.Verifier;
import org.coolsd.VerifierSpec;
import org.jspecify.annotations.Nullable;

/**
 * Drafts that are drawn from the target's last pass: see {@link Drafter#jacobi} and {@link Drafter#coupled}.
 *
 * <p>The rows that tokens are drawn from are copies, since the target's own are gone when the drafts are verified. A position
 * ahead of what was scored is drawn from the last row.
 *
 * <p>Why the target's law is kept: token by token, whether and against what a position is decided depends on the numbers of
 * earlier positions only, and so do all the laws that its drafts are drawn from; its own numbers are new to that, even though
 * its drafts in several steps use the same one. What couples two drafts of a position has numbers of its own for each step:
 * with the same one twice, a token that has stayed once would tend to stay again. As a block, all numbers of a step are its
 * own, and nothing drafted before is kept.
 */
final class JacobiDrafts<C> implements DraftSession<C> {
    private final TargetSession<C> target;
    private final int window;
    private final boolean coupled;
    private final Sequence[] sequences;
    /** One position each; null if drafts are not coupled. */
    private final @Nullable Verifier couplings;

    private final @Nullable Step coupling;
    private final int[] one = new int[1];

    /** What is known of the sequence in a slot, from the next step's first position on. */
    private static final class Sequence {
        long seed;
        int position;
        Sampling sampling = Sampling.of();
        /** [window + 1, V]; null before the first step is decided. */
        @Nullable
        LogitsBuffer rows;

        @Nullable
        LogitsBuffer spare;

        int known;
        int drafted;
        int[] tokens;
        /** How many of the tokens are drawn already, coupled to those of the last step. */
        int coupled;

        Sequence(int window) {
            tokens = new int[window];
        }
    }

    JacobiDrafts(TargetSession<C> target, Verifier verifier, int slots, boolean coupled) {
        VerifierSpec spec = verifier.spec();
        if (!verifier.backend().name().equals("cpu")) {
            throw new IllegalArgumentException(
                    "the backend is " + verifier.backend().name()
                            + ", drafts from the target's last pass keep their rows in host memory: use the cpu");
        }
        this.coupled = coupled;
        require(spec.acceptance());
        this.target = target;
        window = spec.drafts().length();
        sequences = new Sequence[slots];
        Arrays.setAll(sequences, slot -> new Sequence(window));
        if (coupled && window > 1) {
            VerifierSpec single =
                    VerifierSpec.of(spec.vocab(), Schedule.lossless().draftLength(1), Sampling.of());
            couplings = Verifier.open(verifier.backend(), single);
            try {
                coupling = couplings.step(window);
            } catch (RuntimeException | Error e) {
                couplings.close();
                throw e;
            }
        } else {
            couplings = null;
            coupling = null;
        }
    }

    @Override
    public void require(Acceptance acceptance) {
        if (coupled && acceptance instanceof Acceptance.Block) {
            throw new IllegalArgumentException(
                    "coupled drafts are verified token by token, the acceptance is a block: its"
                            + " outcome tells of tokens that would be kept; use jacobi with blocks");
        }
    }

    @Override
    public void begin(int slot, Request<C> request) {
        Sequence sequence = sequences[slot];
        sequence.seed = request.seed();
        sequence.known = 0;
        sequence.coupled = 0;
        sequence.drafted = 0;
    }

    @Override
    public void step(int slot, int position, Sampling sampling) {
        Sequence sequence = sequences[slot];
        sequence.position = position;
        sequence.drafted = 0;
        if (!sampling.equals(sequence.sampling)) {
            // Rows of positions that allowed other tokens may have nothing for the ones that are allowed now.
            sequence.sampling = sampling;
            sequence.known = 0;
            sequence.coupled = 0;
        }
    }

    @Override
    public void propose(int[] slots, int count) {
        for (int k = 0; k < count; k++) {
            Sequence sequence = sequences[slots[k]];
            int i = sequence.drafted;
            if (sequence.rows != null && sequence.known > 0 && i >= sequence.known) {
                sequence.rows.put(i, sequence.rows.logits(i - 1, 1));
                sequence.known = i + 1;
            }
        }
    }

    @Override
    public @Nullable Logits row(int slot) {
        Sequence sequence = sequences[slot];
        return sequence.rows == null || sequence.known == 0 ? null : sequence.rows.logits(sequence.drafted, 1);
    }

    @Override
    public int token(int slot) {
        Sequence sequence = sequences[slot];
        return sequence.drafted < sequence.coupled ? sequence.tokens[sequence.drafted] : DRAW;
    }

    @Override
    public void drawn(int slot, int token) {
        Sequence sequence = sequences[slot];
        sequence.tokens[sequence.drafted++] = token;
    }

    @Override
    public Logits rows(int slot) {
        Sequence sequence = sequences[slot];
        if (sequence.rows == null) {
            throw new IllegalStateException("slot " + slot + " has no draft");
        }
        return sequence.rows.logits(sequence.drafted);
    }

    @Override
    public void decided(int slot, int[] tokens, int count, int accepted) {
        Sequence sequence = sequences[slot];
        int drafted = sequence.drafted;
        Logits scored = Guidance.read(sequence.sampling, target.logits(slot));
        LogitsBuffer next = bufferLike(scored, sequence.spare);
        // Behind the drawn token; where the pass went no further, its last row.
        int from = Math.min(accepted + 1, drafted);
        for (int i = from; i <= drafted; i++) {
            next.put(i - from, scored, i);
        }
        LogitsBuffer last = sequence.rows;
        sequence.coupled = 0;
        if (coupling != null && last != null && accepted + 1 < drafted) {
            couple(coupling, sequence, last, next, from);
        }
        sequence.spare = last;
        sequence.rows = next;
        sequence.known = drafted - from + 1;
    }

    /** Moves the tokens drafted at {@code from} and behind from their last laws to the next ones. */
    private void couple(Step step, Sequence sequence, LogitsBuffer last, LogitsBuffer next, int from) {
        int count = sequence.drafted - from;
        long seed = ownSeed(sequence.seed, sequence.position);
        for (int k = 0; k < count; k++) {
            step.begin(k, seed, sequence.position + from + k);
            step.sampling(k, sequence.sampling, sequence.sampling);
            one[0] = sequence.tokens[from + k];
            step.draft(k, one, 1);
            step.target(k, next.logits(k, 2));
            step.draft(k, last.logits(from + k, 1));
        }
        step.verify();
        while (sequence.coupled < count && step.status(sequence.coupled) == Status.OK) {
            sequence.tokens[sequence.coupled] = step.verdict(sequence.coupled).token(0);
            sequence.coupled++;
        }
    }

    /** Another key for every step: the finaliser of SplitMix64 over the request's seed and the step's position. */
    private static long ownSeed(long seed, int position) {
        long z = (seed ^ 0x636f75706c656421L) + 0x9e3779b97f4a7c15L * (position + 1L);
        z = (z ^ z >>> 30) * 0xbf58476d1ce4e5b9L;
        z = (z ^ z >>> 27) * 0x94d049bb133111ebL;
        return z ^ z >>> 31;
    }

    private LogitsBuffer bufferLike(Logits scored, @Nullable LogitsBuffer buffer) {
        boolean guided = scored.unconditional() != null;
        if (buffer != null) {
            if (buffer.type() == scored.type() && buffer.isGuided() == guided) {
                return buffer;
            }
            buffer.close();
        }
        int rows = window + 1;
        return guided
                ? LogitsBuffer.guided(scored.type(), rows, scored.vocab())
                : LogitsBuffer.of(scored.type(), rows, scored.vocab());
    }

    @Override
    public void forced(int slot, int position, int token) {
        Sequence sequence = sequences[slot];
        if (sequence.rows == null) {
            return;
        }
        for (int i = 1; i < sequence.known; i++) {
            sequence.rows.put(i - 1, sequence.rows.logits(i, 1));
        }
        sequence.known = Math.max(Math.min(1, sequence.known), sequence.known - 1);
        if (sequence.coupled > 0) {
            sequence.coupled--;
            System.arraycopy(sequence.tokens, 1, sequence.tokens, 0, sequence.coupled);
        }
    }

    @Override
    public void close() {
        if (couplings != null) {
            couplings.close();
        }
        for (Sequence sequence : sequences) {
            if (sequence.rows != null) {
                sequence.rows.close();
            }
            if (sequence.spare != null) {
                sequence.spare.close();
            }
        }
    }
}
