package org.coolsd.passes;

import org.coolsd.Logits;

/**
 * Passes of a model over the rows of a batch, each of which has key-values of its own. Row {@code slot * branches + branch} is a
 * branch of the sequence in a slot. Every pass has the same number of new positions in all rows; a cell is
 * {@code row * sequence() + position} of the last pass. One thread at a time.
 */
public interface RowPasses extends AutoCloseable {
    /** Vocabulary size. */
    int vocab();

    /** In what the logits are stored. */
    Logits.Type type();

    /**
     * Begins a pass.
     *
     * @param count new positions of each row, whose ids are 0 until they are given
     */
    void begin(int count);

    /** New position {@code i} of {@code row} reads {@code id}, and stands behind what the row keeps. */
    void id(int row, int i, int id);

    /**
     * New position {@code i} of {@code row} reads a hidden state, as a drafter does.
     *
     * @param from the passes of the same engine whose last pass gave the state
     * @param cell of that pass
     */
    void hidden(int row, int i, RowPasses from, int cell);

    /** Computes the first {@code rows} rows at least. */
    void run(int rows);

    /** New positions of each row in the last pass. */
    int sequence();

    /**
     * Logits of the last pass.
     *
     * @param cell of the first row of logits, of {@code count} in cells that follow
     * @param unconditional likewise, of guidance's other branch; negative without guidance
     * @return [count, V], a view that stays as it is until the next pass
     */
    Logits logits(int cell, int unconditional, int count);

    /** The first {@code count} new positions of a row stay. */
    void keep(int row, int count);

    /** A row keeps only the first {@code length} of its positions. */
    void rollBack(int row, int length);

    /**
     * Forgets a row.
     *
     * @param broken whether what it held may be NaN, which no mask hides
     */
    void forget(int row, boolean broken);

    @Override
    void close();
}
