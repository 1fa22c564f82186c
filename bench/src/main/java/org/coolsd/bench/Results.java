package org.coolsd.bench;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * A results file.
 *
 * @param machine where and of what
 * @param figures the table
 * @param timings what it was computed from
 */
record Results(Machine machine, List<Figure> figures, List<Timing> timings) {
    /**
     * One measurement.
     *
     * @param benchmark method
     * @param params by name
     * @param nanoseconds median per call
     * @param samples nanoseconds per call: [rounds][iterations]
     */
    record Timing(String benchmark, Map<String, String> params, double nanoseconds, double[][] samples) {}

    static Results of(Machine machine, List<Figure> figures, Map<Measure, Samples> measured) {
        List<Timing> timings = measured.entrySet().stream()
                .map(entry -> {
                    double[][] samples = entry.getValue().nanoseconds();
                    Measure measure = entry.getKey();
                    return new Timing(measure.benchmark(), measure.params(), Samples.median(samples), samples);
                })
                .toList();
        return new Results(machine, figures, timings);
    }

    /**
     * Reads a file that {@code --json} wrote.
     *
     * @throws IOException in one line
     */
    static Results read(Path file) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw new FileNotFoundException(file + ": no such file");
        }
        Results results;
        try {
            results = new ObjectMapper().readValue(file.toFile(), Results.class);
        } catch (JacksonException e) {
            throw new IOException(file + ": not a results file: " + e.getOriginalMessage(), e);
        }
        if (results == null || results.machine == null || results.figures == null) {
            throw new IOException(file + ": not a results file: it has no machine or no figures");
        }
        return results;
    }
}
