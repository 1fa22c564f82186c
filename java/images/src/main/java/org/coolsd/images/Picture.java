package org.coolsd.images;

/**
 * A grey picture.
 *
 * @param width pixels
 * @param height pixels
 * @param grey rows from the top, one unsigned byte a pixel [height * width]
 */
public record Picture(int width, int height, byte[] grey) {}
