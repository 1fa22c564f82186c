package org.coolsd.images;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import javax.imageio.ImageIO;
import org.coolsd.checkpoint.AtomicFile;

/** Pictures side by side in one PNG. */
public final class ImageGrid {
    private static final int GAP = 2;

    /** How many pixels a side become one of a small picture's. */
    private static final int SCALE = 4;

    /** Pictures up to so many pixels wide are small. */
    private static final int SMALL = 64;

    private ImageGrid() {}

    /**
     * Checks that {@code count} pictures and their grid have room: fewer than 2^31 pixels, and no more bytes than Java's heap.
     *
     * @param width of a picture in pixels
     * @param height likewise
     * @param channels 1 or 3
     * @throws IllegalArgumentException in one line, with the number that has room
     */
    public static void requireRoom(int count, int width, int height, int channels) {
        requireRoom(count, width, height, channels, Runtime.getRuntime().maxMemory());
    }

    static void requireRoom(int count, int width, int height, int channels, long heap) {
        int fit = count;
        while (fit > 0 && !hasRoom(fit, width, height, channels, heap)) {
            fit--;
        }
        if (fit < count) {
            throw new IllegalArgumentException(
                    "count is " + count + ", one PNG of pictures of " + width + "x" + height + " has room for " + fit
                            + " with a Java heap of " + (heap >> 20)
                            + " MiB; make fewer at a time, the next ones with a larger --seed");
        }
    }

    private static boolean hasRoom(int count, long width, long height, int channels, long heap) {
        long columns = columns(count);
        long scale = width <= SMALL ? SCALE : 1;
        long pixels = (columns * (width + GAP) + GAP) * scale * ((rows(count) * (height + GAP) + GAP) * scale);
        // A grid of colours has an int for each pixel.
        return pixels <= Integer.MAX_VALUE
                && pixels * (channels == 1 ? 1 : Integer.BYTES) + count * width * height * channels <= heap;
    }

    private static int columns(int count) {
        return (int) Math.ceil(Math.sqrt(count));
    }

    private static int rows(int count) {
        return (count + columns(count) - 1) / columns(count);
    }

    /** Writes {@code pictures}, all of one size, in rows of a nearly square grid; small ones with pixels of four by four. */
    public static void write(List<Picture> pictures, Path file) throws IOException {
        int columns = columns(pictures.size());
        int rows = rows(pictures.size());
        Picture first = pictures.get(0);
        int width = first.width();
        int height = first.height();
        int scale = width <= SMALL ? SCALE : 1;
        BufferedImage grid = new BufferedImage(
                (columns * (width + GAP) + GAP) * scale,
                (rows * (height + GAP) + GAP) * scale,
                first.channels() == 1 ? BufferedImage.TYPE_BYTE_GRAY : BufferedImage.TYPE_INT_RGB);
        for (int i = 0; i < pictures.size(); i++) {
            int left = (GAP + i % columns * (width + GAP)) * scale;
            int top = (GAP + i / columns * (height + GAP)) * scale;
            Picture picture = pictures.get(i);
            for (int y = 0; y < height * scale; y++) {
                for (int x = 0; x < width * scale; x++) {
                    int at = (y / scale * width + x / scale) * picture.channels();
                    for (int band = 0; band < picture.channels(); band++) {
                        grid.getRaster().setSample(left + x, top + y, band, picture.levels()[at + band] & 0xff);
                    }
                }
            }
        }
        AtomicFile.write(file, out -> {
            if (!ImageIO.write(grid, "png", out)) {
                throw new IOException("this Java has no PNG writer");
            }
        });
    }
}
