package org.coolsd.langchain4j;

import dev.langchain4j.data.image.Image;
import dev.langchain4j.model.output.Response;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import org.coolsd.Schedule;
import org.coolsd.libtorch.LibTorch;

/** Makes two sneakers with langchain4j's interface, losslessly and relaxed, and writes them as PNG. */
final class Example {
    private Example() {}

    /** @param args the model folder, and where to write */
    public static void main(String[] args) throws Exception {
        LibTorch.load(1);
        make(args, "lossless", Schedule.lossless());
        make(args, "cool-sd-1.1", Schedule.exponential(1.1));
    }

    private static void make(String[] args, String name, Schedule schedule) throws Exception {
        try (CoolsdImageModel model = CoolsdImageModel.open(Path.of(args[0]), schedule, 2, 1)) {
            long start = System.nanoTime();
            Response<List<Image>> images = model.generate("Sneaker", 2);
            System.out.printf("%-12s %.0f ms, %s%n", name, (System.nanoTime() - start) / 1e6, images.metadata());
            for (int i = 0; i < 2; i++) {
                Path file = Path.of(args[1], "sneaker-" + name + "-" + i + ".png");
                Files.write(
                        file, Base64.getDecoder().decode(images.content().get(i).base64Data()));
                System.out.println(file);
            }
        }
    }
}
