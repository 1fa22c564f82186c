package org.coolsd.spark;

import java.util.Iterator;
import org.apache.spark.sql.Row;

/**
 * What the images of a job have cost and yielded.
 *
 * @param images that were made
 * @param failed requests without an image
 * @param firstFailure the failed request that is first by name, and why; null if there is none
 * @param steps passes of the target
 * @param tokens that were not forced
 * @param drift sum of all
 */
record Figures(long images, long failed, String firstFailure, long steps, double tokens, double drift) {
    /** Adds up rows of {@link PngFiles#FIGURES}. */
    static Figures of(Iterator<Row> rows) {
        long images = 0;
        long failed = 0;
        String first = null;
        long steps = 0;
        double tokens = 0;
        double drift = 0;
        while (rows.hasNext()) {
            Row row = rows.next();
            if (row.isNullAt(4)) {
                images++;
                steps += row.getInt(1);
                tokens += row.getDouble(2) * row.getInt(1);
                drift += row.getDouble(3);
            } else {
                failed++;
                String failure = "image " + row.get(0) + ": " + row.getString(4);
                first = first == null || failure.compareTo(first) < 0 ? failure : first;
            }
        }
        return new Figures(images, failed, first, steps, tokens, drift);
    }

    /** Tokens a pass. */
    double acceptedLength() {
        return steps == 0 ? 0 : tokens / steps;
    }

    /** Mean drift of an image. */
    double driftPerImage() {
        return images == 0 ? 0 : drift / images;
    }
}
