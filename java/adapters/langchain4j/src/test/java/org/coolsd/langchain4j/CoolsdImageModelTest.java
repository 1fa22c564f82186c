package org.coolsd.langchain4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.langchain4j.data.image.Image;
import dev.langchain4j.model.image.ImageModel;
import dev.langchain4j.model.output.Response;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import javax.imageio.ImageIO;
import org.coolsd.Schedule;
import org.coolsd.libtorch.LibTorch;
import org.junit.jupiter.api.Test;

class CoolsdImageModelTest {
    private static final Path FOLDER = Path.of("../../../models/fashion");

    @Test
    void imagesOfTheShippedModelComeOutOfTheInterface() throws Exception {
        LibTorch.load(1);
        List<Image> together;
        try (CoolsdImageModel opened = CoolsdImageModel.open(FOLDER, Schedule.lossless(), 2, 5)) {
            ImageModel model = opened;
            Response<List<Image>> response = model.generate("sneaker", 2);
            together = response.content();
            assertThat(together).hasSize(2);
            assertThat(together.get(0)).isNotEqualTo(together.get(1));
            for (Image image : together) {
                assertThat(image.mimeType()).isEqualTo("image/png");
                byte[] png = Base64.getDecoder().decode(image.base64Data());
                BufferedImage read = ImageIO.read(new ByteArrayInputStream(png));
                assertThat(read.getWidth()).isEqualTo(28);
                assertThat(read.getHeight()).isEqualTo(28);
            }
            assertThat(response.metadata()).containsEntry("seed", 5L).containsKeys("steps", "drafted", "accepted");
            assertThatThrownBy(() -> model.generate("spoon"))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("class is 'spoon'")
                    .hasMessageContaining("Sneaker");
            assertThatThrownBy(() -> model.generate("7", 0)).hasMessageContaining("n is 0");
        }
        // The next seed is the second image's, by name or by index; a prompt that was refused took none.
        try (CoolsdImageModel model = CoolsdImageModel.open(FOLDER, Schedule.lossless(), 1, 5)) {
            assertThatThrownBy(() -> model.generate("spoon")).isInstanceOf(IllegalArgumentException.class);
            assertThat(model.generate("7").content()).isEqualTo(together.get(0));
            assertThat(model.generate("Sneaker").content()).isEqualTo(together.get(1));
        }
    }
}
