package org.coolsd.cli;

import java.io.IOException;
import java.nio.file.Path;
import org.coolsd.images.ImageFolder;
import org.coolsd.models.PixelSize;
import org.coolsd.models.Prompt;
import org.coolsd.models.llamagen.CaptionFile;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The options that say what the images show. */
final class PromptOptions {
    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    @Option(
            names = "--size",
            paramLabel = "WxH",
            description =
                    "pixels, with --prompt, for models that make pictures of several sizes (default: the model's)")
    private String size;

    /** One of them, or none. */
    private static final class Choice {
        @Option(
                names = "--class",
                paramLabel = "NAME|INDEX",
                description = "for models of classes (default: all classes in turn)")
        private String label;

        @Option(names = "--prompt", paramLabel = "TEXT", description = "for models of text: what the images show")
        private String text;

        @Option(
                names = "--caption-embeddings",
                paramLabel = "FILE",
                description = "for models of text: safetensors of captions as a text encoder read them, taken in turn"
                        + " (docs/models.md)")
        private Path captions;
    }

    @ArgGroup
    private Choice choice = new Choice();

    /** Null before it is needed. */
    private CaptionFile opened;

    /** Whether the images show what words say. */
    boolean isText() {
        return choice.text != null;
    }

    private Prompt text() {
        PixelSize asked = size == null ? PixelSize.OF_MODEL : PixelSize.of(size).orElseThrow();
        return new Prompt.Text(choice.text, asked.width(), asked.height());
    }

    /** A usage error if the size is none, or the class none of the folder's, where that names its classes. */
    void check(ImageFolder folder) {
        if (size != null && (choice.text == null || PixelSize.of(size).isEmpty())) {
            throw new ParameterException(
                    command.commandLine(), "size is '" + size + "', it must be WxH in pixels, with --prompt");
        }
        if (choice.label != null && !folder.classes().isEmpty()) {
            label(folder);
        }
    }

    /**
     * What image {@code i} shows.
     *
     * @param classes that the model has
     */
    Prompt of(int i, ImageFolder folder, int classes) throws IOException {
        if (choice.text != null) {
            return text();
        }
        if (choice.captions != null) {
            return new Prompt.CaptionEmbeddings(captions(), i % captions().count());
        }
        if (choice.label != null) {
            return new Prompt.Label(label(folder));
        }
        if (classes == 0) {
            throw new ParameterException(
                    command.commandLine(), "this model makes images of text: use --prompt or --caption-embeddings");
        }
        return new Prompt.Label(i % classes);
    }

    /** The file of captions, of which what it says of itself is read once. */
    private CaptionFile captions() throws IOException {
        if (opened == null) {
            opened = CaptionFile.open(choice.captions);
        }
        return opened;
    }

    /**
     * What image {@code i} shows, in a few words.
     *
     * @param classes that the model has
     */
    String text(int i, ImageFolder folder, int classes) throws IOException {
        if (choice.text != null) {
            return "the prompt";
        }
        if (choice.captions != null) {
            return "caption " + i % captions().count();
        }
        return "class " + (choice.label != null ? label(folder) : i % classes);
    }

    private int label(ImageFolder folder) {
        try {
            return folder.label(choice.label);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(command.commandLine(), e.getMessage());
        }
    }
}
