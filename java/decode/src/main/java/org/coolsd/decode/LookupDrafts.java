package org.coolsd.decode;

import java.util.Arrays;
import org.coolsd.Logits;
import org.coolsd.LogitsBuffer;
import org.coolsd.Sampling;
import org.coolsd.Verifier;
import org.jspecify.annotations.Nullable;

/** Drafts that repeat what followed the same tokens before: see {@link Drafter#lookup}. Q is one on each. */
final class LookupDrafts<C> implements DraftSession<C> {
    private static final int NOWHERE = -1;

    private final int length;
    private final int vocab;
    private final Sequence[] sequences;
    private final float[] certain;

    private static final class Sequence {
        final LogitsBuffer rows;
        int[] tokens = new int[256];
        int count;
        Sampling sampling = Sampling.of();
        /** Where what follows stands, or NOWHERE. */
        int source = NOWHERE;

        int drafted;
        int token = DRAW;

        Sequence(LogitsBuffer rows) {
            this.rows = rows;
        }

        void append(int token) {
            if (count == tokens.length) {
                tokens = Arrays.copyOf(tokens, 2 * count);
            }
            tokens[count++] = token;
        }
    }

    LookupDrafts(Verifier verifier, int slots, int length) {
        if (!verifier.backend().name().equals("cpu")) {
            throw new IllegalArgumentException("the backend is "
                    + verifier.backend().name() + ", looked-up drafts have their rows in host memory: use the cpu");
        }
        this.length = length;
        vocab = verifier.spec().vocab();
        int rows = Math.max(1, verifier.spec().drafts().length());
        sequences = new Sequence[slots];
        Arrays.setAll(sequences, slot -> new Sequence(LogitsBuffer.of(Logits.Type.F32, rows, vocab)));
        certain = new float[vocab];
        Arrays.fill(certain, Float.NEGATIVE_INFINITY);
    }

    @Override
    public void begin(int slot, Request<C> request) {
        sequences[slot].count = 0;
    }

    @Override
    public void step(int slot, int position, Sampling sampling) {
        Sequence sequence = sequences[slot];
        sequence.sampling = sampling;
        sequence.drafted = 0;
        sequence.source = NOWHERE;
        int end = sequence.count;
        for (int at = end - 1; at >= length && sequence.source == NOWHERE; at--) {
            if (Arrays.equals(sequence.tokens, at - length, at, sequence.tokens, end - length, end)) {
                sequence.source = at;
            }
        }
    }

    @Override
    public void propose(int[] slots, int count) {
        for (int k = 0; k < count; k++) {
            Sequence sequence = sequences[slots[k]];
            sequence.token = DRAW;
            if (sequence.source != NOWHERE) {
                // Drafted tokens stand behind the decided ones, so that what repeats goes on repeating.
                int token = sequence.tokens[sequence.source + sequence.drafted];
                Window window = new Window(sequence.sampling.windowFrom(), sequence.sampling.windowTo());
                if (window.holds(token)) {
                    sequence.token = token;
                    certain[token] = 0;
                    sequence.rows.put(sequence.drafted, certain);
                    certain[token] = Float.NEGATIVE_INFINITY;
                }
            }
        }
    }

    @Override
    public @Nullable Logits row(int slot) {
        Sequence sequence = sequences[slot];
        return sequence.token == DRAW ? null : sequence.rows.logits(sequence.drafted, 1);
    }

    @Override
    public int token(int slot) {
        return sequences[slot].token;
    }

    @Override
    public void drawn(int slot, int token) {
        Sequence sequence = sequences[slot];
        sequence.append(token);
        sequence.drafted++;
    }

    @Override
    public Logits rows(int slot) {
        return sequences[slot].rows.logits(sequences[slot].drafted);
    }

    @Override
    public void decided(int slot, int[] tokens, int count, int accepted) {
        Sequence sequence = sequences[slot];
        sequence.count -= sequence.drafted;
        for (int i = 0; i < count; i++) {
            sequence.append(tokens[i]);
        }
    }

    @Override
    public void forced(int slot, int position, int token) {
        sequences[slot].append(token);
    }

    @Override
    public void close() {
        for (Sequence sequence : sequences) {
            sequence.rows.close();
        }
    }
}
