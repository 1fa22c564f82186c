package org.coolsd.libtorch;

/**
 * The sizes of a Llama-family decoder.
 *
 * @param layers at least 1
 * @param dim width of the residual stream
 * @param heads of queries
 * @param keyHeads of keys and values; each serves {@code heads / keyHeads} heads of queries, neighbours
 * @param headDim channels of a head, even
 * @param feedForward width of the SwiGLU
 * @param normEps epsilon of the RMS norms
 */
public record DecoderShape(int layers, int dim, int heads, int keyHeads, int headDim, int feedForward, double normEps) {
    /** Checks that heads come out even. */
    public DecoderShape {
        if (layers < 1 || dim < 1 || heads < 1 || keyHeads < 1 || headDim < 2 || feedForward < 1 || !(normEps > 0)) {
            throw new IllegalArgumentException("a decoder of " + layers + " layers of width " + dim + ", " + heads
                    + " heads of " + headDim + " channels, " + keyHeads + " key heads, feed-forward " + feedForward
                    + ", epsilon " + normEps + " has a size that is not above 0");
        }
        if (heads % keyHeads != 0) {
            throw new IllegalArgumentException(
                    heads + " heads cannot share " + keyHeads + " key heads evenly; one number must divide the other");
        }
        if (headDim % 2 != 0) {
            throw new IllegalArgumentException(
                    "a head has " + headDim + " channels; the rotary embedding needs an even number");
        }
    }

    /** A decoder whose heads share the width and have keys of their own. */
    public static DecoderShape of(int layers, int dim, int heads, int feedForward, double normEps) {
        return new DecoderShape(layers, dim, heads, heads, dim / heads, feedForward, normEps);
    }

    /** Channels of queries, keys and values side by side. */
    int joint() {
        return (heads + 2 * keyHeads) * headDim;
    }

    /** Channels of queries and keys side by side: what the rotary embedding turns. */
    int turned() {
        return (heads + keyHeads) * headDim;
    }
}
