package org.coolsd.models.chameleon;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.coolsd.decode.Window;

/**
 * Which tokens of Chameleon's vocabulary are codes of the VQGAN, and which code each is.
 *
 * <p>The vocabulary names them {@code IMGIMG}, the code's digits as letters (A is 0, J is 9), and {@code Z}: {@code IMGIMGBADZ}
 * is code 103. Their numbers are 4 to 8195 in every published model.
 *
 * @param window the tokens, which follow each other
 * @param codes the code of each, from the window's first token on
 */
record ImageTokens(Window window, int[] codes) {
    private static final String NAME = "IMGIMG[A-J]+Z";

    /** The published models' first code. */
    private static final int FIRST = 4;

    /** The published models' number of codes. */
    private static final int COUNT = 8192;

    /** The tokens that {@code vocabulary} names. */
    static ImageTokens of(Map<String, Integer> vocabulary) {
        Map<Integer, Integer> named = new HashMap<>();
        int first = Integer.MAX_VALUE;
        for (Map.Entry<String, Integer> e : vocabulary.entrySet()) {
            if (e.getKey().matches(NAME)) {
                named.put(e.getValue(), code(e.getKey()));
                first = Math.min(first, e.getValue());
            }
        }
        if (named.isEmpty()) {
            throw new IllegalArgumentException(
                    "the vocabulary has no image tokens, which are called IMGIMG..Z; is it Chameleon's?");
        }
        int[] codes = new int[named.size()];
        for (int i = 0; i < codes.length; i++) {
            Integer code = named.get(first + i);
            if (code == null) {
                throw new IllegalArgumentException("the vocabulary's image tokens do not follow each other: " + first
                        + " is one, " + (first + i) + " is none");
            }
            codes[i] = code;
        }
        return new ImageTokens(new Window(first, first + codes.length), codes);
    }

    /** Of a model without a list of its vocabulary: the published models' numbers, code 0 first. */
    static ImageTokens published(int vocabSize) {
        int count = Math.min(COUNT, vocabSize - FIRST);
        if (count < 1) {
            throw new IllegalArgumentException(
                    "vocab_size is " + vocabSize + ", which has no image tokens: they start at " + FIRST);
        }
        int[] codes = new int[count];
        Arrays.setAll(codes, i -> i);
        return new ImageTokens(new Window(FIRST, FIRST + count), codes);
    }

    private static int code(String name) {
        StringBuilder digits = new StringBuilder();
        for (char letter : name.substring("IMGIMG".length(), name.length() - 1).toCharArray()) {
            digits.append(letter - 'A');
        }
        return Integer.parseInt(digits.toString());
    }

    /** The code of an image token. */
    int code(int token) {
        if (!window.holds(token)) {
            throw new IllegalArgumentException("token " + token + " is no piece of an image; those are " + window.from()
                    + ".." + (window.to() - 1));
        }
        return codes[token - window.from()];
    }
}
