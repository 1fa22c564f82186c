package org.coolsd.decode;

import org.coolsd.Logits;

/**
 * The target's memory of the sequences in its slots. A {@link Decoder} calls it from one thread at a time. Lanes, the two
 * branches of guidance and streams are its own affair; what has been committed and not yet been through the model (the token
 * that a step draws, forced tokens) it passes with the next {@link #score}.
 *
 * @param <C> what a sequence is made from
 */
public interface TargetSession<C> extends AutoCloseable {
    /**
     * Starts a sequence in {@code slot}, which forgets what it held. What is thrown ends the request, not the batch.
     *
     * @return the length of the prefix in positions of the model; positions of generated tokens count from 0 behind it
     */
    int begin(int slot, C condition);

    /**
     * One pass over some sequences: for each a chain of draft tokens behind its committed ones. What is thrown ends all
     * requests of the pass.
     *
     * @param runs a view that is reused after the call
     */
    void score(Runs runs);

    /**
     * What the last {@link #score} found for {@code slot}.
     *
     * @return [n + 1, V] with n the length of its run, on the decoder's backend; row i is the law of the token behind the
     *     committed ones and the first i of the run; guided where the request has a guidance scale to apply. A view that must
     *     stay as it is until the next score
     */
    Logits logits(int slot);

    /**
     * The CUDA stream in which {@link #score} computes the logits and the drafter its rows, a {@code cudaStream_t}: the decoder
     * samples drafts and verifies in it, behind that work. 0, the default stream, for engines on the CPU, and for those that wait
     * for the device before score returns.
     */
    default long stream() {
        return 0;
    }

    /**
     * Appends tokens to the sequence in {@code slot}, and forgets the rest of its run.
     *
     * @param tokens the first {@code count} count
     * @param kept how many of them, from the first on, are the last score's run: what the model computed for them is valid;
     *     0 if nothing was scored since the last commit
     */
    void commit(int slot, int[] tokens, int count, int kept);

    /**
     * What may stand at a position of the sequence in {@code slot}: it binds drafts, acceptance, the residual and the bonus
     * alike. It may depend on what was committed. A window of one token is a forced token, which is neither drafted nor
     * verified.
     *
     * @param position of the generated token, from 0
     */
    default Window allowed(int slot, int position) {
        return Window.ALL;
    }

    /** The sequence in {@code slot} is over; its memory is free for the next {@link #begin}. */
    default void end(int slot) {}

    @Override
    void close();
}
