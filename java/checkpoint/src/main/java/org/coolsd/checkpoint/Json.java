package org.coolsd.checkpoint;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * JSON as both formats want it. It is UTF-8: the library would guess UTF-16 or UTF-32 from zeros in the first bytes. Of a
 * name that is there twice one would be taken in silence, and what follows the value would be ignored: both are refused.
 */
final class Json {
    static final JsonMapper MAPPER = JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private Json() {}

    /**
     * The value in {@code in}, read as it is parsed; a mark of the byte order before it is skipped.
     *
     * @param what the part of {@code file} that this is, for the message
     * @throws CheckpointException in one line, if it is damaged
     */
    static JsonNode read(Path file, String what, InputStream in) throws IOException {
        try (Reader text = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8.newDecoder()))) {
            text.mark(1);
            if (text.read() != '\ufeff') {
                text.reset();
            }
            return MAPPER.readTree(text);
        } catch (JsonProcessingException e) {
            throw new CheckpointException(file, what + " is damaged: " + e.getOriginalMessage(), e);
        } catch (CharacterCodingException e) {
            throw new CheckpointException(file, what + " is damaged: it is not UTF-8", e);
        }
    }
}
