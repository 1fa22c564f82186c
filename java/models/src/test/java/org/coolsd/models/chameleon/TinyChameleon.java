package org.coolsd.models.chameleon;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.coolsd.decode.Drafter;
import org.coolsd.libtorch.Placement;
import org.coolsd.libtorch.Precision;
import org.coolsd.models.Checkpoints;
import org.coolsd.models.DrafterComponent;
import org.coolsd.models.tiny.TinyChameleonDrafter;

/** The tiny official decoder with a small tokenizer beside it. */
final class TinyChameleon {
    private static final Path OFFICIAL = Path.of("../checkpoint/src/test/resources/fixtures/chameleon");

    private TinyChameleon() {}

    /** Copies the official files and the tokenizer to {@code folder}. */
    static void copy(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(OFFICIAL)) {
            for (Path file : files.toList()) {
                Files.copy(file, folder.resolve(file.getFileName()));
            }
        }
        Files.copy(TinyVocabulary.FILE, folder.resolve("tokenizer.json"));
    }

    /** The decoder in {@code folder}, which {@link #copy} filled, with f32 weights; the caller closes it. */
    static LoadedChameleon load(Path folder) throws IOException {
        ChameleonComponent component =
                (ChameleonComponent) Checkpoints.find(folder).get(0);
        return (LoadedChameleon) component.load(Precision.F32, Placement.cpu());
    }

    /** A drafter of random weights for it, which is written to {@code folder} first; the model closes it. */
    static Drafter<ChameleonPrompt> eagle(LoadedChameleon model, Path folder) throws IOException {
        TinyChameleonDrafter.write(folder, TinyChameleonDrafter.tensors());
        return model.eagle((DrafterComponent) Checkpoints.find(folder).get(0));
    }
}
