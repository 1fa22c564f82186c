package org.coolsd.langchain4j;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Base64;
import javax.imageio.ImageIO;
import org.coolsd.images.Picture;

/** A picture as PNG. */
final class Png {
    private Png() {}

    static String base64(Picture picture) throws IOException {
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
        return Base64.getEncoder().encodeToString(bytes.toByteArray());
    }
}
