package org.coolsd.djl;

/**
 * The sizes of a decoder, which DJL does not tell.
 *
 * @param layers with key-values each
 * @param heads of the key-values
 * @param channels of a head
 * @param vocab vocabulary size
 * @param width of the hidden states that an EAGLE drafter reads; 0 for a target that is decoded without one
 */
public record DecoderShape(int layers, int heads, int channels, int vocab, int width) {
    /** Checks ranges. */
    public DecoderShape {
        if (layers < 1 || heads < 1 || channels < 1 || vocab < 2 || width < 0) {
            throw new IllegalArgumentException("layers is " + layers + ", heads " + heads + ", channels " + channels
                    + ", vocab " + vocab + " and width " + width
                    + ": they must be at least 1, vocab 2 and width 0");
        }
    }

    /** Without hidden states. */
    public DecoderShape(int layers, int heads, int channels, int vocab) {
        this(layers, heads, channels, vocab, 0);
    }
}
