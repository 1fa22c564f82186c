package org.coolsd.cli;

import java.nio.file.Path;
import java.util.List;
import org.coolsd.images.ImageFolder;
import org.coolsd.models.Prompt;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The options that say what the images show. */
final class PromptOptions {
    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

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

    /** A usage error if the class is none of the folder's, where that names its classes. */
    void check(ImageFolder folder) {
        if (choice.label != null && !folder.classes().isEmpty()) {
            index(folder.classes());
        }
    }

    /**
     * What image {@code i} shows.
     *
     * @param classes that the model has
     */
    Prompt of(int i, ImageFolder folder, int classes) {
        if (choice.text != null) {
            return new Prompt.Text(choice.text);
        }
        if (choice.captions != null) {
            return new Prompt.CaptionEmbeddings(choice.captions, i);
        }
        if (choice.label != null) {
            return new Prompt.Label(index(folder.classes()));
        }
        if (classes == 0) {
            throw new ParameterException(
                    command.commandLine(), "this model makes images of text: use --prompt or --caption-embeddings");
        }
        return new Prompt.Label(i % classes);
    }

    /** What image {@code i} shows, in a few words. */
    String text(int i, ImageFolder folder) {
        if (choice.text != null) {
            return "the prompt";
        }
        if (choice.captions != null) {
            return "caption " + i;
        }
        int classes = folder.classes().size();
        return "class " + (choice.label != null ? index(folder.classes()) : classes == 0 ? i : i % classes);
    }

    private int index(List<String> classes) {
        for (int i = 0; i < classes.size(); i++) {
            if (classes.get(i).equalsIgnoreCase(choice.label)) {
                return i;
            }
        }
        if (choice.label.matches("\\d{1,9}")
                && (classes.isEmpty() || Integer.parseInt(choice.label) < classes.size())) {
            return Integer.parseInt(choice.label);
        }
        throw new ParameterException(
                command.commandLine(),
                "class is '" + choice.label + "', it must be "
                        + (classes.isEmpty()
                                ? "a number: this model has no names of classes"
                                : "0.." + (classes.size() - 1) + " or one of " + String.join(", ", classes)));
    }
}
