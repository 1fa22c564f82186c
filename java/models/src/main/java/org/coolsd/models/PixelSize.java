package org.coolsd.models;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The size of a picture as people write it, WxH.
 *
 * @param width in pixels; 0 for what the model makes unless told otherwise
 * @param height likewise
 */
public record PixelSize(int width, int height) {
    /** What the model makes. */
    public static final PixelSize OF_MODEL = new PixelSize(0, 0);

    private static final Pattern WRITTEN = Pattern.compile("([1-9]\\d{0,4})x([1-9]\\d{0,4})");

    /** Reads WxH, each from 1 to 99999; empty if it is written otherwise. */
    public static Optional<PixelSize> of(String written) {
        Matcher sides = WRITTEN.matcher(written);
        return sides.matches()
                ? Optional.of(new PixelSize(Integer.parseInt(sides.group(1)), Integer.parseInt(sides.group(2))))
                : Optional.empty();
    }
}
