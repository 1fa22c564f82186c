package org.coolsd.command;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.coolsd.checkpoint.AtomicFile;
import picocli.CommandLine.Option;

/** {@code --json FILE}: what a command found, for programs. */
public final class JsonOption {
    /** Filled by picocli. */
    public JsonOption() {}

    @Option(names = "--json", paramLabel = "FILE", description = "also write the figures as JSON to FILE")
    private Path file;

    /** Writes {@code summary}, a map or a record, if the option was given. */
    public void write(Object summary) throws IOException {
        if (file != null) {
            String text = new ObjectMapper()
                    .enable(SerializationFeature.INDENT_OUTPUT)
                    .writeValueAsString(summary);
            AtomicFile.write(file, out -> out.write((text + "\n").getBytes(StandardCharsets.UTF_8)));
        }
    }

    /** Fails early if the option names a place that cannot be written. */
    public void check() throws IOException {
        if (file != null) {
            AtomicFile.requireWritable(file);
        }
    }
}
