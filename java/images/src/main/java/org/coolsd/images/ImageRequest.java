package org.coolsd.images;

import java.util.ArrayList;
import java.util.List;

/**
 * One image to be made. The same request gives the same tokens from the same model, schedule, draft length and sampling, alone
 * or in a batch, with one thread or several, in precision F16; in others rounding may differ (docs/performance.md has how
 * often).
 *
 * @param label class, 0..numClasses-1
 * @param seed of every random number of the image
 */
public record ImageRequest(int label, long seed) {
    /**
     * Requests {@code first..first + count - 1} of an endless row that takes the classes in turn.
     *
     * @param seed of request 0; request i has seed + i
     */
    public static List<ImageRequest> inTurn(int classes, long first, int count, long seed) {
        List<ImageRequest> requests = new ArrayList<>(count);
        for (long i = first; i < first + count; i++) {
            requests.add(new ImageRequest((int) (i % classes), seed + i));
        }
        return requests;
    }
}
