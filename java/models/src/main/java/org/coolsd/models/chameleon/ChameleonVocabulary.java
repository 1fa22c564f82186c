package org.coolsd.models.chameleon;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.coolsd.checkpoint.CheckpointException;
import org.coolsd.models.CheckpointFiles;

/**
 * The tokens that Chameleon's image grammar is made of, by the names of its vocabulary; numbers are those of the published
 * models.
 *
 * @param image codes of images, 4 to 8195
 * @param begin of every sequence, {@code <s>}, 0
 * @param beginImage {@code <racm3:break>}, 8197
 * @param endImage {@code <eoss>}, 8196
 * @param endTurn of a prompt, {@code <reserved08706>}, 8710
 * @param endLine of a row of an image, {@code <reserved08799>}, 8803: Lumina-mGPT's
 * @param size this and n says n times 32 pixels, {@code <reserved08800>}, 8804: Lumina-mGPT's
 */
record ChameleonVocabulary(
        ImageTokens image, int begin, int beginImage, int endImage, int endTurn, int endLine, int size) {
    /** Where a list of the vocabulary may lie, beside the weights or in the folder of the picture decoder. */
    private static final List<String> FILES = List.of("tokenizer.json", "text_tokenizer.json");

    /**
     * The vocabulary of a decoder of {@code vocabSize} tokens: as {@code vocabulary_map} of its configuration or the
     * tokenizer's file lists it, else the published numbers, codes in their order.
     *
     * @throws CheckpointException in one line, if the list is not Chameleon's
     */
    static ChameleonVocabulary find(CheckpointFiles files, int vocabSize) throws IOException {
        JsonNode map = files.config().path("vocabulary_map");
        Path file = files.configFile();
        Map<String, Integer> listed = new HashMap<>();
        if (map.isObject() && !map.isEmpty()) {
            map.fields()
                    .forEachRemaining(e -> listed.put(e.getKey(), e.getValue().asInt(-1)));
        } else {
            Optional<Path> tokenizer = tokenizer(files.folder());
            if (tokenizer.isEmpty()) {
                return published(files, vocabSize);
            }
            file = tokenizer.get();
            listed.putAll(read(file));
        }
        try {
            return of(listed, vocabSize);
        } catch (IllegalArgumentException e) {
            throw new CheckpointException(file, e.getMessage(), e);
        }
    }

    /** The tokenizer's file of a decoder in {@code folder}: there, in its folder "tokenizer", or in one beside it. */
    static Optional<Path> tokenizer(Path folder) {
        return List.of(folder, folder.resolve("tokenizer"), folder.resolveSibling("tokenizer")).stream()
                .flatMap(place -> FILES.stream().map(place::resolve))
                .filter(Files::isRegularFile)
                .findFirst();
    }

    private static Map<String, Integer> read(Path file) throws IOException {
        Map<String, Integer> listed = new HashMap<>();
        try {
            JsonNode tokenizer = new ObjectMapper().readTree(file.toFile());
            tokenizer
                    .path("model")
                    .path("vocab")
                    .fields()
                    .forEachRemaining(e -> listed.put(e.getKey(), e.getValue().asInt(-1)));
            for (JsonNode added : tokenizer.path("added_tokens")) {
                listed.put(added.path("content").asText(), added.path("id").asInt(-1));
            }
        } catch (JsonProcessingException e) {
            throw new CheckpointException(file, e.getOriginalMessage(), e);
        }
        return listed;
    }

    static ChameleonVocabulary of(Map<String, Integer> listed, int vocabSize) {
        ChameleonVocabulary vocabulary = new ChameleonVocabulary(
                ImageTokens.of(listed),
                token(listed, "<s>", vocabSize),
                token(listed, "<racm3:break>", vocabSize),
                token(listed, "<eoss>", vocabSize),
                token(listed, "<reserved08706>", vocabSize),
                token(listed, "<reserved08799>", vocabSize),
                token(listed, "<reserved08800>", vocabSize));
        if (vocabulary.image.window().to() > vocabSize) {
            throw new IllegalArgumentException(
                    "image tokens reach to " + (vocabulary.image.window().to() - 1) + " and vocab_size is " + vocabSize
                            + "; tokenizer and weights are of two models");
        }
        return vocabulary;
    }

    private static int token(Map<String, Integer> listed, String name, int vocabSize) {
        Integer token = listed.get(name);
        if (token == null) {
            throw new IllegalArgumentException("the vocabulary has no token " + name + "; is it Chameleon's?");
        }
        if (token < 0 || token >= vocabSize) {
            throw new IllegalArgumentException("token " + name + " is " + token + " and vocab_size " + vocabSize
                    + "; tokenizer and weights are of two models");
        }
        return token;
    }

    private static ChameleonVocabulary published(CheckpointFiles files, int vocabSize) throws CheckpointException {
        try {
            return new ChameleonVocabulary(ImageTokens.published(vocabSize), 0, 8197, 8196, 8710, 8803, 8804);
        } catch (IllegalArgumentException e) {
            throw new CheckpointException(files.configFile(), e.getMessage(), e);
        }
    }
}
