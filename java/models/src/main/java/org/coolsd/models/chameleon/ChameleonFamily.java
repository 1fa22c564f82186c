package org.coolsd.models.chameleon;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.coolsd.Sampling;
import org.coolsd.models.Prompt;

/** How the models that were made of Chameleon are asked for images. */
enum ChameleonFamily {
    /**
     * Lumina-mGPT, as its FlexARInferenceSolver asks: the size is said in words, and in tokens again. The other branch of
     * guidance has the image and nothing before it.
     */
    LUMINA("Lumina-mGPT") {
        @Override
        ImageGrammar grammar(ChameleonVocabulary vocabulary, Prompt.Text prompt) {
            Matcher said = SAID.matcher(prompt.text());
            int width = said.lookingAt() ? number(said.group(1)) : orElse(prompt.width());
            int height = said.lookingAt() ? number(said.group(2)) : orElse(prompt.height());
            if (prompt.width() != 0 && prompt.width() != width || prompt.height() != 0 && prompt.height() != height) {
                throw new IllegalArgumentException("the size is " + prompt.width() + "x" + prompt.height()
                        + " and the prompt says " + width + "x" + height + "; leave one of them out");
            }
            return new ImageGrammar(vocabulary, codes("height", height), codes("width", width), true);
        }

        @Override
        String words(Prompt.Text prompt) {
            return SAID.matcher(prompt.text()).lookingAt()
                    ? prompt.text()
                    : "Generate an image of " + orElse(prompt.width()) + "x" + orElse(prompt.height())
                            + " according to the following prompt:\n" + prompt.text();
        }

        @Override
        int[] unconditional(ChameleonVocabulary vocabulary) {
            return new int[] {vocabulary.beginImage()};
        }

        @Override
        Sampling sampling() {
            return Sampling.of().guidance(4).topK(2000);
        }
    },

    /**
     * Anole, as its ChameleonInferenceModel asks: the words alone. The other branch of guidance begins with the token that
     * every sequence does. Of its two guidance scales one is for prompts with images; without any it cancels out.
     */
    ANOLE("Anole") {
        @Override
        ImageGrammar grammar(ChameleonVocabulary vocabulary, Prompt.Text prompt) {
            if (orElse(prompt.width()) != DEFAULT || orElse(prompt.height()) != DEFAULT) {
                throw new IllegalArgumentException("the size is " + prompt.width() + "x" + prompt.height()
                        + "; Anole makes images of 512x512 only");
            }
            return ImageGrammar.square(vocabulary);
        }

        @Override
        String words(Prompt.Text prompt) {
            return prompt.text();
        }

        @Override
        int[] unconditional(ChameleonVocabulary vocabulary) {
            return new int[] {vocabulary.begin(), vocabulary.beginImage()};
        }

        @Override
        Sampling sampling() {
            return Sampling.of().guidance(3).temperature(0.7F).topP(0.9F);
        }
    };

    /** Pixels of a side, where nothing is said. */
    private static final int DEFAULT = 512;

    /** Pixels of a code. */
    private static final int PIXELS = 16;

    private static final Pattern SAID =
            Pattern.compile("Generate an image of (\\d{1,6})x(\\d{1,6}) according to the following prompt:\n");

    /** Entries that Lumina-mGPT's training adds to a configuration. */
    private static final List<String> OF_LUMINA = List.of("mask_image_logits", "dropout", "z_loss_weight");

    private final String official;

    ChameleonFamily(String official) {
        this.official = official;
    }

    /** What a text asks for. */
    ChameleonPrompt prompt(Prompt.Text prompt, ChameleonTokenizer tokenizer, ChameleonVocabulary vocabulary) {
        ImageGrammar grammar = grammar(vocabulary, prompt);
        int[] words = tokenizer.tokens(words(prompt));
        int[] tokens = new int[words.length + 3];
        tokens[0] = vocabulary.begin();
        System.arraycopy(words, 0, tokens, 1, words.length);
        tokens[words.length + 1] = vocabulary.endTurn();
        tokens[words.length + 2] = vocabulary.beginImage();
        return new ChameleonPrompt(tokens, unconditional(vocabulary), grammar);
    }

    /** The family of a model with this configuration. */
    static ChameleonFamily of(JsonNode config) {
        return OF_LUMINA.stream().anyMatch(config::has) ? LUMINA : ANOLE;
    }

    /** Its official name. */
    String official() {
        return official;
    }

    /**
     * The image that is asked for.
     *
     * @throws IllegalArgumentException in one line, if it makes none of this size
     */
    abstract ImageGrammar grammar(ChameleonVocabulary vocabulary, Prompt.Text prompt);

    /** What the tokenizer reads; a token that begins a sequence comes before it, one that ends a turn behind it. */
    abstract String words(Prompt.Text prompt);

    /** The prompt of guidance's other branch; as of the first, its last token begins the image. */
    abstract int[] unconditional(ChameleonVocabulary vocabulary);

    /** How the authors sample. */
    abstract Sampling sampling();

    private static int orElse(int pixels) {
        return pixels == 0 ? DEFAULT : pixels;
    }

    private static int number(String digits) {
        return Integer.parseInt(digits);
    }

    private static int codes(String side, int pixels) {
        int unit = ImageGrammar.UNIT * PIXELS;
        if (pixels < unit || pixels % unit != 0) {
            throw new IllegalArgumentException(side + " is " + pixels + " pixels; it must be a multiple of " + unit);
        }
        return pixels / PIXELS;
    }
}
