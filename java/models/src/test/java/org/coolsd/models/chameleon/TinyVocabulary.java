package org.coolsd.models.chameleon;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/** The names of Chameleon's vocabulary for the tiny official model: 64 codes in a shuffled order, and letters. */
final class TinyVocabulary {
    static final Path FILE = Path.of("src/test/resources/chameleon/tokenizer.json");

    /** Of the tiny model. */
    static final int SIZE = 512;

    private TinyVocabulary() {}

    /** Tokens by name. */
    static Map<String, Integer> names() throws IOException {
        JsonNode vocab =
                new ObjectMapper().readTree(FILE.toFile()).path("model").path("vocab");
        Map<String, Integer> names = new HashMap<>();
        vocab.fields().forEachRemaining(e -> names.put(e.getKey(), e.getValue().intValue()));
        return names;
    }

    static ChameleonVocabulary read() throws IOException {
        return ChameleonVocabulary.of(names(), SIZE);
    }

    /** The code that the tokenizer's file gives the image token {@code token}. */
    static int code(int token) {
        return ((token - 4) * 37 + 5) % 64;
    }
}
