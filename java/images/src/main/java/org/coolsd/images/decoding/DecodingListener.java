package org.coolsd.images.decoding;

/**
 * Told what a decoder does, in the decoder's thread, between steps. Whatever a method throws ends the decoding and
 * reaches the caller.
 */
public interface DecodingListener {
    /** Ignores everything. */
    DecodingListener NONE = new DecodingListener() {};

    /**
     * Tokens of an image are decided.
     *
     * @param image index of its request
     * @param tokens the image's tokens [blockSize], of which {@code 0..to - 1} are decided; not to be changed
     * @param from first token decided by this step
     * @param to end of the decided tokens; the image is complete when it is blockSize
     */
    default void decided(int image, int[] tokens, int from, int to) {}

    /**
     * A step of an image is verified.
     *
     * @param drafted tokens proposed
     * @param accepted how many of them were kept
     * @param drift sum of D over the visited positions
     */
    default void verified(int image, int drafted, int accepted, double drift) {}

    /**
     * An image cannot be decoded; the others go on.
     *
     * @param image index of its request
     * @param reason what is wrong with its logits, and at which token
     */
    default void failed(int image, String reason) {}
}
