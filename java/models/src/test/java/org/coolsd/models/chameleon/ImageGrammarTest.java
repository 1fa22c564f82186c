package org.coolsd.models.chameleon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.coolsd.decode.Window;
import org.coolsd.models.ImageCodes;
import org.junit.jupiter.api.Test;

/** What the official code lets stand where: Lumina-mGPT's MultiModalLogitsProcessor, Meta's ImageDecoder. */
class ImageGrammarTest {
    /** Numbers of the published models. */
    private static final ChameleonVocabulary PUBLISHED =
            new ChameleonVocabulary(ImageTokens.published(65536), 0, 8197, 8196, 8710, 8803, 8804);

    private static List<Window> windows(ImageGrammar grammar) {
        List<Window> windows = new ArrayList<>();
        for (int i = 0; i < grammar.length(); i++) {
            windows.add(grammar.allowed(i));
        }
        return windows;
    }

    @Test
    void luminaSaysTheSizeAndEndsItsLines() {
        // 64 x 96 pixels: 4 rows of 6 codes.
        ImageGrammar grammar = new ImageGrammar(PUBLISHED, 4, 6, true);
        List<Window> wanted = new ArrayList<>();
        wanted.add(Window.forced(8804 + 2));
        wanted.add(Window.forced(8804 + 3));
        for (int row = 0; row < 4; row++) {
            for (int column = 0; column < 6; column++) {
                wanted.add(new Window(4, 8196));
            }
            wanted.add(Window.forced(8803));
        }
        wanted.add(Window.forced(8196));
        assertThat(windows(grammar)).isEqualTo(wanted);
    }

    @Test
    void anoleHas1024CodesAndNothingBetweenThem() {
        ImageGrammar grammar = ImageGrammar.square(PUBLISHED);
        assertThat(grammar.length()).isEqualTo(1025);
        assertThat(windows(grammar).subList(0, 1024)).containsOnly(new Window(4, 8196));
        assertThat(grammar.allowed(1024)).isEqualTo(Window.forced(8196));
    }

    @Test
    void codesOfAnImage() throws Exception {
        ImageGrammar grammar = new ImageGrammar(TinyVocabulary.read(), 2, 4, true);
        int[] tokens = {73, 74, 4, 5, 6, 7, 71, 67, 66, 65, 64, 71, 68};
        ImageCodes codes = grammar.codes(tokens);
        assertThat(codes.rows()).isEqualTo(2);
        assertThat(codes.columns()).isEqualTo(4);
        int[] drawn = {4, 5, 6, 7, 67, 66, 65, 64};
        for (int i = 0; i < drawn.length; i++) {
            assertThat(codes.indices()[i]).isEqualTo(TinyVocabulary.code(drawn[i]));
        }
        tokens[6] = 4;
        assertThatThrownBy(() -> grammar.codes(tokens))
                .hasMessage("token 4 at position 6 is none of 71..71, which an image has there");
        assertThatThrownBy(() -> grammar.codes(new int[3]))
                .hasMessage("3 tokens are no image of 2 x 4 codes, which has 13");
    }
}
