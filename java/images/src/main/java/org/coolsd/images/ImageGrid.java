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

    /** Writes {@code pictures}, all of one size, in rows of a nearly square grid; small ones with pixels of four by four. */
    public static void write(List<Picture> pictures, Path file) throws IOException {
        int columns = (int) Math.ceil(Math.sqrt(pictures.size()));
        int rows = (pictures.size() + columns - 1) / columns;
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
