package org.coolsd.images;

import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongConsumer;
import org.coolsd.decode.Decoder;
import org.coolsd.decode.Request;
import org.coolsd.decode.Result;
import org.coolsd.decode.Ticket;
import org.coolsd.decode.Totals;

/**
 * What came of some requests: what is complete stays, whatever happens to another image.
 *
 * @param results of the images that were made, by their place among the requests
 * @param failures why the others were not, by their place
 */
public record ImageRun(SortedMap<Integer, Result> results, SortedMap<Integer, String> failures) {
    /**
     * Decodes {@code requests} and waits for all of them.
     *
     * @param progress hears how many tokens are decided so far, after each one
     */
    public static <C> ImageRun of(Decoder<C> decoder, List<Request<C>> requests, LongConsumer progress) {
        long[] decided = {0};
        List<Ticket> tickets = new ArrayList<>(requests.size());
        for (Request<C> request : requests) {
            tickets.add(decoder.submit(request, (position, token) -> progress.accept(++decided[0])));
        }
        while (decoder.step()) {
            // Each step is one of every image in the batch.
            progress.accept(decided[0]);
        }
        SortedMap<Integer, Result> results = new TreeMap<>();
        SortedMap<Integer, String> failures = new TreeMap<>();
        for (int i = 0; i < tickets.size(); i++) {
            CompletableFuture<Result> result = tickets.get(i).result();
            if (result.isCompletedExceptionally()) {
                failures.put(i, message(result));
            } else {
                results.put(i, result.join());
            }
        }
        return new ImageRun(results, failures);
    }

    private static String message(CompletableFuture<Result> failed) {
        Throwable cause = failed.handle((result, e) -> e).join();
        return cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
    }

    /** What the images that were made have cost and yielded. */
    public Totals totals() {
        return Totals.of(results.values());
    }
}
