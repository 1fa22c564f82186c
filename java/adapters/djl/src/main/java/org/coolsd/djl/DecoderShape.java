package org.coolsd.djl;

/**
 * The sizes of a decoder, which DJL does not tell.
 *
 * @param layers with key-values each
 * @param heads of the key-values
 * @param channels of a head
 * @param vocab vocabulary size
 */
public record DecoderShape(int layers, int heads, int channels, int vocab) {
    /** Checks ranges. */
    public DecoderShape {
        if (layers < 1 || heads < 1 || channels < 1 || vocab < 2) {
            throw new IllegalArgumentException("layers is " + layers + ", heads " + heads + ", channels " + channels
                    + " and vocab " + vocab + ": they must be at least 1, and vocab 2");
        }
    }
}
