package org.coolsd.images;

/**
 * A picture.
 *
 * @param width pixels
 * @param height pixels
 * @param channels 1 for grey, 3 for red, green and blue
 * @param levels rows from the top, an unsigned byte for each channel of each pixel [height * width * channels]
 */
public record Picture(int width, int height, int channels, byte[] levels) {
    /** Checks the size. */
    public Picture {
        if ((channels != 1 && channels != 3) || levels.length != (long) width * height * channels) {
            throw new IllegalArgumentException(levels.length + " levels are no picture of " + width + " x " + height
                    + " pixels with " + channels + " channels");
        }
    }
}
