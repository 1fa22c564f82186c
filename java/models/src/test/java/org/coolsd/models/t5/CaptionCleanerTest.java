package org.coolsd.models.t5;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Cleaned captions are those of the official code. */
class CaptionCleanerTest {
    /** Captions, and what LlamaGen's language/t5.py made of them in Python 3.11 with ftfy 6.3.1 and Beautiful Soup 4.15.0. */
    private static Stream<JsonNode> captions() throws Exception {
        ObjectMapper json = new ObjectMapper();
        return Files.readAllLines(Path.of("src/test/resources/t5/captions.jsonl")).stream()
                .map(line -> {
                    try {
                        return json.readTree(line);
                    } catch (java.io.IOException e) {
                        throw new java.io.UncheckedIOException(e);
                    }
                });
    }

    @ParameterizedTest
    @MethodSource("captions")
    void asTheOfficialCode(JsonNode pair) {
        String cleaned = CaptionCleaner.clean(CaptionCleaner.clean(pair.get(0).asText()));
        assertThat(cleaned).isEqualTo(pair.get(1).asText());
    }

    @Test
    void loneSurrogatesAreReplaced() {
        assertThat(CaptionCleaner.clean("a \ud800 cat")).isEqualTo("a \ufffd cat");
    }
}
