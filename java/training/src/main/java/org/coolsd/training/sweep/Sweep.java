package org.coolsd.training.sweep;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.coolsd.NeighbourTable;
import org.coolsd.Sampling;
import org.coolsd.decode.Decoder;
import org.coolsd.decode.Drafter;
import org.coolsd.decode.Request;
import org.coolsd.decode.Result;
import org.coolsd.images.ImagePipeline;
import org.coolsd.images.ImageRun;
import org.coolsd.images.Picture;
import org.coolsd.libtorch.Tensors;
import org.coolsd.models.Prompt;
import org.coolsd.training.evaluation.Classifier;
import org.coolsd.training.evaluation.Evaluator;

/**
 * Makes the images of cells, round after round: in a round every cell gets as many images more, of seeds of their own, and a
 * file with them. What has its file is not made again, so a sweep that was stopped goes on where it was.
 *
 * @param <C> what an image is made from
 * @param images the models
 * @param weak a weak drafter for the same target, or none
 * @param weakModel what tells this weak drafter from others
 * @param classifier what sees the pictures
 * @param neighbours of the tokens
 * @param sampling of target and drafter
 * @param classes that are taken in turn
 * @param slots images side by side
 * @param threads of a decoder
 * @param models what tells these models and settings from others
 * @param seed of everything
 * @param count images of a cell in a round
 * @param folder where the files are
 */
public record Sweep<C>(
        ImagePipeline<C> images,
        Drafter<C> weak,
        String weakModel,
        Classifier classifier,
        NeighbourTable neighbours,
        Sampling sampling,
        int classes,
        int slots,
        int threads,
        String models,
        long seed,
        int count,
        Path folder) {

    /** Told of each file of images, made now or found. */
    @FunctionalInterface
    public interface Listener {
        /** The {@code done}-th of {@code all} files is there. */
        void finished(Cell cell, int round, int done, int all);
    }

    /**
     * Makes what is missing.
     *
     * @throws IOException in one line, if a file cannot be written, or is of another sweep
     */
    public void run(Collection<Cell> cells, int rounds, Listener listener) throws IOException {
        Files.createDirectories(folder);
        int all = cells.size() * rounds;
        int done = 0;
        for (int round = 0; round < rounds; round++) {
            for (Cell cell : cells) {
                Path file = file(cell, round);
                if (Files.exists(file)) {
                    CellImages.read(file, cell, modelsOf(cell), cell.images(count));
                } else {
                    make(cell, round, cell.images(count)).write(file);
                }
                listener.finished(cell, round, ++done, all);
            }
        }
    }

    /** The images that are there of each cell that has any, in the cells' order. */
    public Map<Cell, CellImages> found(Collection<Cell> cells, int rounds) throws IOException {
        Map<Cell, CellImages> found = new LinkedHashMap<>();
        for (Cell cell : cells) {
            List<CellImages> parts = new ArrayList<>();
            for (int round = 0; round < rounds; round++) {
                Path file = file(cell, round);
                if (Files.exists(file)) {
                    parts.add(CellImages.read(file, cell, modelsOf(cell), cell.images(count)));
                }
            }
            if (!parts.isEmpty()) {
                found.put(cell, CellImages.joined(parts));
            }
        }
        return found;
    }

    private String modelsOf(Cell cell) {
        return cell.drafts() == Cell.Source.WEAK ? models + ", weak drafter " + weakModel : models;
    }

    private Path file(Cell cell, int round) {
        return folder.resolve(cell.name() + "." + round + ".json");
    }

    private CellImages make(Cell cell, int round, int number) throws IOException {
        List<Request<C>> requests = new ArrayList<>();
        int[] labels = new int[number];
        for (int i = 0; i < number; i++) {
            labels[i] = i % classes;
            Request<C> request = images.request(new Prompt.Label(labels[i]), cell.seed(round, seed) + i, sampling);
            requests.add(new Request<>(
                    request.condition(), request.seed(), sampling, cell.draft(sampling), request.length()));
        }
        ImageRun run;
        long start = System.nanoTime();
        try (Decoder<C> decoder = images.decoder(
                sampling.guidance() != 1,
                threads,
                drafter(cell),
                cell.options(slots, requests.get(0).length(), neighbours))) {
            run = ImageRun.of(decoder, requests, tokens -> {});
        }
        double seconds = (System.nanoTime() - start) / 1e9;
        if (!run.failures().isEmpty()) {
            throw new IOException(cell.name() + ": " + run.failures().size() + " images could not be made; image "
                    + run.failures().firstKey() + ": "
                    + run.failures().get(run.failures().firstKey()));
        }
        List<Result> results = List.copyOf(run.results().values());
        int[][] tokens = results.stream().map(Result::tokens).toArray(int[][]::new);
        try (NoGradGuard guard = new NoGradGuard();
                PointerScope scope = new PointerScope()) {
            Tensor features = Evaluator.features(classifier, pictures(requests, tokens));
            Tensor seen = classifier.logits(features).argmax(new LongOptional(1), false);
            return new CellImages(
                    cell.name(),
                    modelsOf(cell),
                    seconds,
                    labels,
                    tokens,
                    results.stream().mapToInt(Result::steps).toArray(),
                    results.stream().mapToDouble(Result::drift).toArray(),
                    results.stream().mapToDouble(Result::kept).toArray(),
                    results.stream().mapToDouble(Result::logProb).toArray(),
                    rows(features),
                    integers(seen));
        }
    }

    private Drafter<C> drafter(Cell cell) {
        return switch (cell.drafts()) {
            case NONE -> Drafter.none();
            case EAGLE -> images.drafter();
            case WEAK -> weak;
            case JACOBI -> Drafter.jacobi();
            case COUPLED -> Drafter.coupled();
        };
    }

    /** The grey pictures as the classifier takes them: f32 [images, 1, height, width], -1..1. */
    private Tensor pictures(List<Request<C>> requests, int[][] tokens) {
        float[] values = {};
        long[] shape = new long[4];
        for (int i = 0; i < tokens.length; i++) {
            Picture picture = images.picture(requests.get(i).condition(), tokens[i]);
            int pixels = picture.levels().length;
            if (i == 0) {
                values = new float[tokens.length * pixels];
                shape = new long[] {tokens.length, 1, picture.height(), picture.width()};
            }
            for (int p = 0; p < pixels; p++) {
                values[i * pixels + p] = (picture.levels()[p] & 0xff) / 127.5f - 1;
            }
        }
        return Tensors.of(values, shape);
    }

    /** The rows of a matrix f32 [n, d]. */
    public static float[][] rows(Tensor matrix) {
        int d = (int) matrix.size(1);
        float[][] rows = new float[(int) matrix.size(0)][d];
        Tensor contiguous = matrix.contiguous();
        FloatPointer all = new FloatPointer(contiguous.data_ptr());
        for (int i = 0; i < rows.length; i++) {
            all.position((long) i * d).get(rows[i]);
        }
        return rows;
    }

    private static int[] integers(Tensor vector) {
        long[] values = new long[(int) vector.numel()];
        Tensor contiguous = vector.contiguous();
        new LongPointer(contiguous.data_ptr()).get(values);
        int[] narrow = new int[values.length];
        for (int i = 0; i < narrow.length; i++) {
            narrow[i] = (int) values[i];
        }
        return narrow;
    }
}
