package org.coolsd.images.decoding;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** Some images of a call could not be decoded; the others are complete, and are here. */
public final class DecodingException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final transient List<int[]> images;
    private final transient SortedMap<Integer, String> failures;

    DecodingException(List<int[]> images, Map<Integer, String> failures) {
        super(message(new TreeMap<>(failures), images.size()));
        this.images = images;
        this.failures = Collections.unmodifiableSortedMap(new TreeMap<>(failures));
    }

    private static String message(SortedMap<Integer, String> failures, int images) {
        int first = failures.firstKey();
        String one = "image " + first + ": " + failures.get(first);
        return failures.size() == 1 ? one : failures.size() + " of " + images + " images failed, the first: " + one;
    }

    /** Tokens of each request [blockSize]; null where it failed. */
    public List<int[]> images() {
        return Collections.unmodifiableList(images);
    }

    /** What was wrong, by the index of the request. */
    public SortedMap<Integer, String> failures() {
        return failures;
    }
}
