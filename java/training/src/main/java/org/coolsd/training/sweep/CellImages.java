package org.coolsd.training.sweep;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.coolsd.checkpoint.AtomicFile;
import org.coolsd.checkpoint.CheckpointException;

/**
 * The images of a cell and what they took, one entry an image in every array.
 *
 * @param cell the cell's name
 * @param models what tells these models, their precision and their sampling from others
 * @param seconds that decoding them took
 * @param labels class of each
 * @param tokens [images][tokens]
 * @param passes of the target
 * @param drift sum of D
 * @param kept product of min(1, P/Phat)
 * @param logProb sum of log P, natural
 * @param features of the classifier [images][features]
 * @param seen class that the classifier sees
 */
public record CellImages(
        String cell,
        String models,
        double seconds,
        int[] labels,
        int[][] tokens,
        int[] passes,
        double[] drift,
        double[] kept,
        double[] logProb,
        float[][] features,
        int[] seen) {
    private static final ObjectMapper JSON = new ObjectMapper();

    /** How many. */
    public int size() {
        return labels.length;
    }

    /** Writes them; the file appears whole. */
    void write(Path file) throws IOException {
        byte[] bytes = JSON.writeValueAsBytes(this);
        AtomicFile.write(file, out -> out.write(bytes));
    }

    /**
     * Reads what {@link #write} wrote.
     *
     * @throws CheckpointException in one line, if the file is damaged, or is of another cell, of other models or of another
     *     number of images
     */
    static CellImages read(Path file, Cell cell, String models, int count) throws IOException {
        CellImages read;
        try {
            read = JSON.readValue(Files.readAllBytes(file), CellImages.class);
        } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
            throw new CheckpointException(file, "not the images of a cell; remove it to make them anew", e);
        }
        if (!cell.name().equals(read.cell) || !models.equals(read.models) || read.size() != count) {
            throw new CheckpointException(
                    file,
                    "has " + read.size() + " images of " + read.cell + " of " + read.models + ", wanted are " + count
                            + " of " + cell.name() + " of " + models + "; name another folder with --output");
        }
        return read;
    }

    /** All of several rounds. */
    static CellImages joined(List<CellImages> rounds) {
        CellImages first = rounds.get(0);
        return new CellImages(
                first.cell,
                first.models,
                rounds.stream().mapToDouble(CellImages::seconds).sum(),
                ints(rounds, CellImages::labels),
                rounds.stream().flatMap(r -> List.of(r.tokens).stream()).toArray(int[][]::new),
                ints(rounds, CellImages::passes),
                doubles(rounds, CellImages::drift),
                doubles(rounds, CellImages::kept),
                doubles(rounds, CellImages::logProb),
                rounds.stream().flatMap(r -> List.of(r.features).stream()).toArray(float[][]::new),
                ints(rounds, CellImages::seen));
    }

    private static int[] ints(List<CellImages> rounds, java.util.function.Function<CellImages, int[]> part) {
        return rounds.stream()
                .flatMapToInt(r -> java.util.Arrays.stream(part.apply(r)))
                .toArray();
    }

    private static double[] doubles(List<CellImages> rounds, java.util.function.Function<CellImages, double[]> part) {
        return rounds.stream()
                .flatMapToDouble(r -> java.util.Arrays.stream(part.apply(r)))
                .toArray();
    }
}
