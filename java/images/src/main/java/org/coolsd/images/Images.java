package org.coolsd.images;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;
import org.coolsd.decode.Result;
import org.coolsd.decode.Ticket;

/**
 * What became of the images of a call.
 *
 * @param results of each request, in order; null where it failed
 * @param failures what was wrong, by the index of the request
 */
public record Images(List<Result> results, SortedMap<Integer, String> failures) {
    /** Keeps what it is given as it is. */
    public Images {
        results = Collections.unmodifiableList(results);
        failures = Collections.unmodifiableSortedMap(failures);
    }

    /** Of requests that are over. */
    static Images of(List<Ticket> tickets) {
        List<Result> results = new ArrayList<>(tickets.size());
        SortedMap<Integer, String> failures = new TreeMap<>();
        for (int i = 0; i < tickets.size(); i++) {
            int image = i;
            results.add(tickets.get(i)
                    .result()
                    .exceptionally(why -> {
                        failures.put(image, why.getMessage() == null ? why.toString() : why.getMessage());
                        return null;
                    })
                    .join());
        }
        return new Images(results, failures);
    }

    /** Results of the images that were made. */
    public List<Result> made() {
        return results.stream().filter(Objects::nonNull).toList();
    }

    /** Tokens of the images that were made, each in raster order [blockSize]. */
    public List<int[]> tokens() {
        return made().stream().map(Result::tokens).toList();
    }

    /** Tokens of all images that were made. */
    public long tokenCount() {
        return (long) sum(result -> result.tokens().length);
    }

    /** Passes of the target, each with one verification, of the images that were made. */
    public long steps() {
        return (long) sum(Result::steps);
    }

    /** Tokens per step including the drawn one, as the papers count it; 0 without images. */
    public double acceptedLength() {
        return steps() == 0 ? 0 : (double) tokenCount() / steps();
    }

    /** Sum of D over the images that were made; 0 if it was not asked for. */
    public double drift() {
        return sum(Result::drift);
    }

    /** Mean over the images of the sum of D: an estimate of a bound on TV(generated, target). */
    public double driftPerImage() {
        return made().isEmpty() ? 0 : drift() / made().size();
    }

    private double sum(ToDoubleFunction<Result> value) {
        return made().stream().mapToDouble(value).sum();
    }
}
