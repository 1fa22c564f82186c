package org.coolsd.models.chameleon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.coolsd.models.Prompt;
import org.junit.jupiter.api.Test;

/** Prompts as the official code makes them, of the small tokenizer. */
class ChameleonPromptTest {
    private static ChameleonPrompt prompt(ChameleonFamily family, Prompt.Text text) throws Exception {
        try (ChameleonTokenizer tokenizer = ChameleonTokenizer.open(TinyVocabulary.FILE, TinyVocabulary.SIZE)) {
            return family.prompt(text, tokenizer, TinyVocabulary.read());
        }
    }

    /** What begins a sequence, {@code pieces}, the end of the turn, the beginning of the image. */
    private static int[] wanted(List<String> pieces) throws Exception {
        Map<String, Integer> names = TinyVocabulary.names();
        List<Integer> tokens = new ArrayList<>(List.of(0));
        pieces.forEach(piece -> tokens.add(names.get(piece)));
        tokens.addAll(List.of(70, 69));
        return tokens.stream().mapToInt(token -> token).toArray();
    }

    private static List<String> letters(String text) {
        return text.chars().mapToObj(c -> String.valueOf((char) c)).toList();
    }

    @Test
    void luminaSaysTheSizeInWords() throws Exception {
        List<String> pieces = new ArrayList<>(letters("Ge"));
        pieces.addAll(letters("ne"));
        pieces.addAll(letters("rate "));
        pieces.addAll(List.of("an"));
        pieces.addAll(letters(" image of 64x96 "));
        pieces.addAll(List.of("a", "c", "c", "o", "r", "d", "i", "n", "g"));
        pieces.addAll(letters(" to the following prompt:\n"));
        pieces.addAll(List.of("red", " ", "cat"));
        ChameleonPrompt prompt = prompt(ChameleonFamily.LUMINA, new Prompt.Text("red cat", 64, 96));
        assertThat(prompt.tokens()).isEqualTo(wanted(pieces));
        assertThat(prompt.unconditional()).containsExactly(69);
        assertThat(prompt.grammar().lines()).isTrue();
        assertThat(prompt.grammar().rows()).isEqualTo(6);
        assertThat(prompt.grammar().columns()).isEqualTo(4);
    }

    /** Who knows the official sentence writes it, size and all. */
    @Test
    void aPromptThatSaysItsSizeIsLeftAsItIs() throws Exception {
        ChameleonPrompt said = prompt(
                ChameleonFamily.LUMINA,
                new Prompt.Text("Generate an image of 64x96 according to the following prompt:\nred cat"));
        ChameleonPrompt given = prompt(ChameleonFamily.LUMINA, new Prompt.Text("red cat", 64, 96));
        assertThat(said.tokens()).isEqualTo(given.tokens());
        assertThat(said.grammar()).usingRecursiveComparison().isEqualTo(given.grammar());
        ChameleonPrompt usual = prompt(ChameleonFamily.LUMINA, new Prompt.Text("red cat"));
        assertThat(usual.grammar().rows()).isEqualTo(32);
        assertThat(usual.grammar().length()).isEqualTo(2 + 32 * 33 + 1);
    }

    @Test
    void anoleHasTheWordsAlone() throws Exception {
        ChameleonPrompt prompt = prompt(ChameleonFamily.ANOLE, new Prompt.Text("red cat"));
        assertThat(prompt.tokens()).isEqualTo(wanted(List.of("red", " ", "cat")));
        assertThat(prompt.unconditional()).containsExactly(0, 69);
        assertThat(prompt.grammar()).usingRecursiveComparison().isEqualTo(ImageGrammar.square(TinyVocabulary.read()));
    }

    @Test
    void sizesThatAreNotMade() {
        assertThatThrownBy(() -> prompt(ChameleonFamily.ANOLE, new Prompt.Text("cat", 768, 768)))
                .hasMessage("the size is 768x768; Anole makes images of 512x512 only");
        assertThatThrownBy(() -> prompt(ChameleonFamily.LUMINA, new Prompt.Text("cat", 500, 512)))
                .hasMessage("width is 500 pixels; it must be a multiple of 32");
        assertThatThrownBy(() -> prompt(ChameleonFamily.LUMINA, new Prompt.Text("cat", 512, 16)))
                .hasMessage("height is 16 pixels; it must be a multiple of 32");
        String said = "Generate an image of 64x96 according to the following prompt:\ncat";
        assertThatThrownBy(() -> prompt(ChameleonFamily.LUMINA, new Prompt.Text(said, 96, 64)))
                .hasMessage("the size is 96x64 and the prompt says 64x96; leave one of them out");
        assertThatCode(() -> prompt(ChameleonFamily.LUMINA, new Prompt.Text(said, 64, 96)))
                .doesNotThrowAnyException();
    }

    @Test
    void theFamilyIsToldByTheConfiguration() throws Exception {
        ObjectMapper json = new ObjectMapper();
        assertThat(ChameleonFamily.of(json.readTree("{\"model_type\":\"chameleon\",\"dropout\":0.05}")))
                .isEqualTo(ChameleonFamily.LUMINA);
        assertThat(ChameleonFamily.of(json.readTree("{\"model_type\":\"chameleon\",\"vq_config\":{}}")))
                .isEqualTo(ChameleonFamily.ANOLE);
    }
}
