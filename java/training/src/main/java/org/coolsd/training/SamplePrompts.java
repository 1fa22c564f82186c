package org.coolsd.training;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.CRC32;
import org.coolsd.models.LoadedTarget;
import org.coolsd.models.Prompt;
import org.coolsd.models.llamagen.CaptionFile;

/** What the images show that a target makes for its drafter to learn from: the classes, captions or texts in turn. */
public sealed interface SamplePrompts {
    /** What image {@code image} of {@code target} shows. */
    Prompt of(int image, LoadedTarget<?> target);

    /** What tells these from others; empty for classes. */
    String fingerprint();

    /** The classes that the target has. */
    record Classes() implements SamplePrompts {
        @Override
        public Prompt of(int image, LoadedTarget<?> target) {
            return new Prompt.Label(image % target.classes());
        }

        @Override
        public String fingerprint() {
            return "";
        }
    }

    /**
     * Captions as a text encoder read them.
     *
     * @param fingerprint of the file
     */
    record Captions(CaptionFile file, String fingerprint) implements SamplePrompts {
        /** Those in {@code file}, all of which is read once. */
        public static Captions open(Path file) throws IOException {
            CaptionFile captions = CaptionFile.open(file);
            CRC32 sum = new CRC32();
            byte[] piece = new byte[1 << 16];
            try (InputStream in = Files.newInputStream(file)) {
                for (int n = in.read(piece); n > 0; n = in.read(piece)) {
                    sum.update(piece, 0, n);
                }
            }
            return new Captions(captions, Long.toHexString(sum.getValue()));
        }

        @Override
        public Prompt of(int image, LoadedTarget<?> target) {
            return new Prompt.CaptionEmbeddings(file, image % file.count());
        }
    }

    /**
     * Texts.
     *
     * @param texts at least one
     * @param width of the pictures in pixels; 0 for what the model makes unless told otherwise
     * @param height likewise
     */
    record Texts(List<String> texts, int width, int height) implements SamplePrompts {
        @Override
        public Prompt of(int image, LoadedTarget<?> target) {
            return new Prompt.Text(texts.get(image % texts.size()), width, height);
        }

        @Override
        public String fingerprint() {
            CRC32 sum = new CRC32();
            sum.update(String.join("\n", texts).getBytes(StandardCharsets.UTF_8));
            return Long.toHexString(sum.getValue()) + " at " + width + "x" + height;
        }
    }
}
