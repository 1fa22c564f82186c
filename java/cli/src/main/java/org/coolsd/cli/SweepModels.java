package org.coolsd.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.zip.CRC32;
import org.bytedeco.pytorch.Tensor;
import org.coolsd.NeighbourTable;
import org.coolsd.checkpoint.AtomicFile;
import org.coolsd.decode.Drafter;
import org.coolsd.images.Drafts;
import org.coolsd.images.ImageFolder;
import org.coolsd.images.ImagePipeline;
import org.coolsd.images.ModelFolder;
import org.coolsd.libtorch.Weights;
import org.coolsd.models.vq.VqTokenizer;
import org.coolsd.training.data.FashionMnist;
import org.coolsd.training.evaluation.Classifier;
import org.coolsd.training.sweep.Sweep;

/**
 * The models of a sweep.
 *
 * @param folder the model folder
 * @param weak the folder of a weak drafter
 */
record SweepModels(ModelFolder folder, Optional<Path> weak) {
    /** A neighbour in so many tokens, as LANTERN's 1000 of 16384. */
    private static final int NEIGHBOUR_SHARE = 16;

    /** The folder that a weak drafter is in unless it is named: DIR-weak beside DIR. */
    static Optional<Path> weakBeside(Path model) {
        Path absolute = model.toAbsolutePath();
        Path beside = absolute.resolveSibling(absolute.getFileName() + "-weak");
        return Files.exists(beside.resolve("config.json")) ? Optional.of(beside) : Optional.empty();
    }

    /** What tells these models, but for the weak drafter, from others. */
    String checksum() throws IOException {
        List<Path> files = new ArrayList<>();
        for (String name : List.of("target", "drafter", "tokenizer", "classifier")) {
            files.add(folder.file(name));
        }
        return checksum(files);
    }

    /** What tells the weak drafter from others; empty if there is none. */
    String weakChecksum() throws IOException {
        return weak.isEmpty() ? "" : checksum(List.of(weak.get().resolve("model.safetensors")));
    }

    private static String checksum(List<Path> files) throws IOException {
        CRC32 sum = new CRC32();
        for (Path file : files) {
            sum.update(Files.readAllBytes(file));
        }
        return Long.toHexString(sum.getValue());
    }

    /** The weak drafter for the pipeline's target; no drafts if there is none. */
    <C> Drafter<C> weakDrafter(ImagePipeline<C> images) throws IOException {
        if (weak.isEmpty()) {
            return Drafter.none();
        }
        ImageFolder with = ImageFolder.open(folder.path()).with(new Drafts.Eagle(weak.get()));
        return images.target().eagle(with.drafter().orElseThrow());
    }

    /** The nearest codebook entries of each token. */
    NeighbourTable neighbours() throws IOException {
        try (Weights weights = folder.weights("tokenizer")) {
            float[][] book = Sweep.rows(new VqTokenizer(folder.config().tokenizer(), weights).codebook());
            int d = book[0].length;
            float[] all = new float[book.length * d];
            for (int i = 0; i < book.length; i++) {
                System.arraycopy(book[i], 0, all, i * d, d);
            }
            return NeighbourTable.nearest(all, d, Math.max(1, book.length / NEIGHBOUR_SHARE));
        }
    }

    /**
     * The figures that need no generated image, kept in a file.
     *
     * @param file where; read if it is of the same models and as many pictures
     * @param features of the pictures
     */
    Map<?, ?> card(Path file, FashionMnist test, Classifier classifier, Tensor features) throws IOException {
        ObjectMapper json = new ObjectMapper();
        if (Files.exists(file)) {
            Map<?, ?> kept = json.readValue(Files.readAllBytes(file), Map.class);
            if (checksum().equals(kept.get("models"))
                    && ((Number) kept.get("test.pictures")).longValue() == test.size()) {
                return kept;
            }
        }
        Map<String, Object> made = ModelCard.of(folder, test, classifier, features);
        made.put("models", checksum());
        byte[] bytes = json.writeValueAsBytes(made);
        AtomicFile.write(file, out -> out.write(bytes));
        return made;
    }
}
