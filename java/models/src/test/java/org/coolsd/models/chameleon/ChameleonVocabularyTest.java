package org.coolsd.models.chameleon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.Arrays;
import java.util.Map;
import java.util.function.Consumer;
import org.coolsd.decode.Window;
import org.junit.jupiter.api.Test;

/** Image tokens and the others of the grammar, by their names. */
class ChameleonVocabularyTest {
    @Test
    void namesSayCodes() throws Exception {
        ImageTokens image = TinyVocabulary.read().image();
        assertThat(image.window()).isEqualTo(new Window(4, 68));
        for (int token = 4; token < 68; token++) {
            assertThat(image.code(token)).isEqualTo(TinyVocabulary.code(token));
        }
        assertThat(image.codes()).doesNotHaveDuplicates().hasSize(64);
        assertThatThrownBy(() -> image.code(68)).hasMessage("token 68 is no piece of an image; those are 4..67");
    }

    @Test
    void theOfficialExample() {
        ImageTokens image = ImageTokens.of(Map.of("IMGIMGBADZ", 4, "IMGIMGAZ", 5, "IMGIMGIBJBZ", 6, "cat", 7));
        assertThat(image.codes()).containsExactly(103, 0, 8191);
    }

    @Test
    void publishedNumbersWhereNothingIsListed() {
        ImageTokens image = ImageTokens.published(65536);
        assertThat(image.window()).isEqualTo(new Window(4, 8196));
        assertThat(image.code(4)).isEqualTo(0);
        assertThat(image.code(8195)).isEqualTo(8191);
        assertThat(ImageTokens.published(512).window()).isEqualTo(new Window(4, 512));
        assertThatThrownBy(() -> ImageTokens.published(4))
                .hasMessage("vocab_size is 4, which has no image tokens: they start at 4");
    }

    @Test
    void othersByName() throws Exception {
        ChameleonVocabulary vocabulary = TinyVocabulary.read();
        int[] tokens = {
            vocabulary.begin(),
            vocabulary.endImage(),
            vocabulary.beginImage(),
            vocabulary.endTurn(),
            vocabulary.endLine(),
            vocabulary.size()
        };
        assertThat(Arrays.stream(tokens)).containsExactly(0, 68, 69, 70, 71, 72);
    }

    @Test
    void whatIsNotChameleons() throws Exception {
        assertRefused(names -> names.remove("<eoss>"), "the vocabulary has no token <eoss>; is it Chameleon's?");
        assertRefused(
                names -> names.put("<eoss>", 512),
                "token <eoss> is 512 and vocab_size 512; tokenizer and weights are of two models");
        assertRefused(
                names -> names.keySet().removeIf(name -> name.startsWith("IMG")),
                "the vocabulary has no image tokens, which are called IMGIMG..Z; is it Chameleon's?");
        assertRefused(
                names -> names.values().remove(10),
                "the vocabulary's image tokens do not follow each other: 4 is one, 10 is none");
    }

    private static void assertRefused(Consumer<Map<String, Integer>> change, String message) throws IOException {
        Map<String, Integer> names = TinyVocabulary.names();
        change.accept(names);
        assertThatThrownBy(() -> ChameleonVocabulary.of(names, TinyVocabulary.SIZE))
                .hasMessage(message);
    }
}
