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
    private static final int SCALE = 4;

    private ImageGrid() {}

    /** Writes {@code pictures}, all of one size, in rows of a nearly square grid, each pixel four by four. */
    public static void write(List<Picture> pictures, Path file) throws IOException {
        int columns = (int) Math.ceil(Math.sqrt(pictures.size()));
        int rows = (pictures.size() + columns - 1) / columns;
        int width = pictures.get(0).width();
        int height = pictures.get(0).height();
        BufferedImage grid = new BufferedImage(
                (columns * (width + GAP) + GAP) * SCALE,
                (rows * (height + GAP) + GAP) * SCALE,
                BufferedImage.TYPE_BYTE_GRAY);
        for (int i = 0; i < pictures.size(); i++) {
            int left = (GAP + i % columns * (width + GAP)) * SCALE;
            int top = (GAP + i / columns * (height + GAP)) * SCALE;
            for (int y = 0; y < height * SCALE; y++) {
                for (int x = 0; x < width * SCALE; x++) {
                    int grey = pictures.get(i).grey()[y / SCALE * width + x / SCALE] & 0xff;
                    grid.getRaster().setSample(left + x, top + y, 0, grey);
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
