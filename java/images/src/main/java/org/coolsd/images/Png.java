package org.coolsd.images;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import javax.imageio.ImageIO;

/** One picture as PNG, pixel by pixel. */
public final class Png {
    private Png() {}

    /** The bytes of a file; equal pictures have equal ones. */
    public static byte[] bytes(Picture picture) throws IOException {
        int type = picture.channels() == 1 ? BufferedImage.TYPE_BYTE_GRAY : BufferedImage.TYPE_INT_RGB;
        BufferedImage image = new BufferedImage(picture.width(), picture.height(), type);
        for (int y = 0, at = 0; y < picture.height(); y++) {
            for (int x = 0; x < picture.width(); x++) {
                for (int band = 0; band < picture.channels(); band++) {
                    image.getRaster().setSample(x, y, band, picture.levels()[at++] & 0xff);
                }
            }
        }
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        if (!ImageIO.write(image, "png", bytes)) {
            throw new IOException("this Java has no PNG writer");
        }
        return bytes.toByteArray();
    }
}
