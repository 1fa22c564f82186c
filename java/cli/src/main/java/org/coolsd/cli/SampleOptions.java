package org.coolsd.cli;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import org.coolsd.models.PixelSize;
import org.coolsd.models.Prompt;
import org.coolsd.models.TargetComponent;
import org.coolsd.training.SamplePrompts;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The options that say what the images show that a drafter learns from. */
final class SampleOptions {
    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    @Option(
            names = "--caption-embeddings",
            paramLabel = "FILE",
            description = "with --model, for a LlamaGen by text: safetensors of captions as its text encoder read them,"
                    + " taken in turn")
    private Path captions;

    @Option(
            names = "--prompts",
            paramLabel = "FILE",
            description = "with --model, for Lumina-mGPT and Anole: texts, one a line, taken in turn")
    private Path texts;

    @Option(
            names = "--size",
            paramLabel = "WxH",
            description =
                    "pixels, with --prompts, for models that make pictures of several sizes (default: the model's)")
    private String size;

    /** Whether one of them is given. */
    boolean any() {
        return captions != null || texts != null || size != null;
    }

    /**
     * What the images of {@code target} show.
     *
     * @throws ParameterException if that is missing or not what it makes images of
     * @throws IOException in one line, if a file cannot be read
     */
    SamplePrompts prompts(TargetComponent target) throws IOException {
        Class<? extends Prompt> kind = target.prompts();
        boolean ofCaptions = kind == Prompt.CaptionEmbeddings.class;
        boolean ofTexts = kind == Prompt.Text.class;
        require(ofCaptions == (captions != null), "this model makes images of " + name(kind));
        require(ofTexts == (texts != null), "this model makes images of " + name(kind));
        require(
                size == null || ofTexts && PixelSize.of(size).isPresent(),
                "size is '" + size + "', it must be WxH in pixels, with --prompts");
        if (ofCaptions) {
            return SamplePrompts.Captions.open(captions);
        }
        if (!ofTexts) {
            return new SamplePrompts.Classes();
        }
        PixelSize asked = size == null ? PixelSize.OF_MODEL : PixelSize.of(size).orElseThrow();
        return new SamplePrompts.Texts(lines(), asked.width(), asked.height());
    }

    private static String name(Class<? extends Prompt> kind) {
        if (kind == Prompt.Text.class) {
            return "texts: use --prompts FILE, one a line";
        }
        return kind == Prompt.CaptionEmbeddings.class
                ? "captions: use --caption-embeddings FILE, as its text encoder read them"
                : "classes, which are taken in turn: leave --caption-embeddings and --prompts out";
    }

    private List<String> lines() throws IOException {
        List<String> lines;
        try {
            lines = Files.readAllLines(texts).stream()
                    .filter(line -> !line.isBlank())
                    .toList();
        } catch (NoSuchFileException e) {
            throw new IOException(texts + ": no such file", e);
        } catch (CharacterCodingException e) {
            throw new IOException(texts + ": not a text in UTF-8", e);
        }
        if (lines.isEmpty()) {
            throw new IOException(texts + ": no text in it; one a line is needed");
        }
        return lines;
    }

    private void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new ParameterException(command.commandLine(), otherwise);
        }
    }
}
