package org.coolsd.models.chameleon;

import java.util.Arrays;
import org.coolsd.decode.Window;
import org.coolsd.models.ImageCodes;

/**
 * What may stand where in an image of given size, behind the token that begins it, which is the last of every prompt.
 * Lumina-mGPT says height and width, and ends each row of codes with a token; Meta's models, Anole among them, have 32 rows of
 * 32 codes and nothing between them. A token ends the image. Only codes are drawn, all else is forced.
 *
 * @param vocabulary the tokens
 * @param rows of codes, a multiple of 2 where lines end
 * @param columns of codes, likewise
 * @param lines whether the size is said and rows end with a token: Lumina-mGPT's
 */
record ImageGrammar(ChameleonVocabulary vocabulary, int rows, int columns, boolean lines) {
    /** The most forced tokens in a row: height and width, or the end of the last line and the end of the image. */
    static final int LONGEST_FORCED = 2;

    /** Rows or columns of codes that a size token counts: 32 pixels. */
    static final int UNIT = 2;

    /** An image of Meta's models, which all have 512 x 512 pixels. */
    static ImageGrammar square(ChameleonVocabulary vocabulary) {
        return new ImageGrammar(vocabulary, 32, 32, false);
    }

    /** Tokens before the first code. */
    private int head() {
        return lines ? 2 : 0;
    }

    /** Tokens of a row, its end included. */
    private int width() {
        return columns + (lines ? 1 : 0);
    }

    /** Tokens of the image. */
    int length() {
        return head() + rows * width() + 1;
    }

    /** What may stand at {@code position}, from 0; anything behind the image's end is its end again. */
    Window allowed(int position) {
        if (position < head()) {
            return Window.forced(vocabulary.size() + (position == 0 ? rows : columns) / UNIT);
        }
        int behind = position - head();
        if (behind >= rows * width()) {
            return Window.forced(vocabulary.endImage());
        }
        return behind % width() == columns
                ? Window.forced(vocabulary.endLine())
                : vocabulary.image().window();
    }

    /**
     * The codes of an image.
     *
     * @param tokens {@link #length} of them
     * @throws IllegalArgumentException in one line, if a token is where it may not be
     */
    ImageCodes codes(int[] tokens) {
        if (tokens.length != length()) {
            throw new IllegalArgumentException(tokens.length + " tokens are no image of " + rows + " x " + columns
                    + " codes, which has " + length());
        }
        return new ImageCodes(codes(tokens, tokens.length), rows, columns);
    }

    /** The codes in the first {@code count} tokens of an image, likewise. */
    int[] codes(int[] tokens, int count) {
        int[] codes = new int[rows * columns];
        int found = 0;
        for (int i = 0; i < count; i++) {
            Window allowed = allowed(i);
            if (!allowed.holds(tokens[i])) {
                throw new IllegalArgumentException("token " + tokens[i] + " at position " + i + " is none of "
                        + allowed.from() + ".." + (allowed.to() - 1) + ", which an image has there");
            }
            if (!allowed.isForced()) {
                codes[found++] = vocabulary.image().code(tokens[i]);
            }
        }
        return Arrays.copyOf(codes, found);
    }
}
