package org.coolsd.training.evaluation;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;

/**
 * Bootstrap samples of images, drawn within their classes, since the classes are taken in turn and not by chance.
 *
 * @param size how many images there are
 * @param draws [samples][size] indices of images
 * @param stretch what a figure's deviation in a sample is multiplied by: samples of a class of m images have (m - 1)/m of the
 *     variance
 */
public record Bootstrap(int size, int[][] draws, double stretch) {
    /**
     * Draws samples; where a class has a single image, without regard to classes.
     *
     * @param labels class of each image
     * @param samples how many
     * @param seed of the draws
     */
    public static Bootstrap of(int[] labels, int samples, long seed) {
        TreeMap<Integer, List<Integer>> classes = new TreeMap<>();
        for (int i = 0; i < labels.length; i++) {
            classes.computeIfAbsent(labels[i], k -> new ArrayList<>()).add(i);
        }
        int fewest = classes.values().stream().mapToInt(List::size).min().orElse(0);
        if (fewest == 1) {
            List<Integer> all = new ArrayList<>();
            classes.values().forEach(all::addAll);
            classes.clear();
            classes.put(0, all);
            fewest = all.size();
        }
        SplittableRandom random = new SplittableRandom(seed);
        int[][] draws = new int[samples][labels.length];
        for (int[] draw : draws) {
            int at = 0;
            for (List<Integer> members : classes.values()) {
                for (int j = 0; j < members.size(); j++) {
                    draw[at++] = members.get(random.nextInt(members.size()));
                }
            }
        }
        return new Bootstrap(labels.length, draws, fewest < 2 ? 1 : Math.sqrt(fewest / (fewest - 1.0)));
    }

    /** A figure of images given by their indices, and of each sample. */
    public Estimate of(ToDoubleFunction<int[]> figure) {
        double value = figure.applyAsDouble(all());
        return new Estimate(
                value,
                Arrays.stream(draws)
                        .mapToDouble(figure)
                        .map(x -> value + stretch * (x - value))
                        .toArray());
    }

    /** As {@link #of(ToDoubleFunction)}, for a distance: see {@link Estimate#centred}. */
    public Estimate ofDistance(ToDoubleFunction<int[]> figure) {
        Estimate raw = of(figure);
        return Estimate.centred(raw.value(), raw.samples());
    }

    /** The mean of a value of each image [size]. */
    public Estimate mean(double[] values) {
        return of(images -> Arrays.stream(images).mapToDouble(i -> values[i]).sum() / size);
    }

    private int[] all() {
        int[] all = new int[size];
        Arrays.setAll(all, i -> i);
        return all;
    }
}
