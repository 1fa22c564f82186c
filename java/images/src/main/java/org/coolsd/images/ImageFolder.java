package org.coolsd.images;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.LongConsumer;
import org.coolsd.Sampling;
import org.coolsd.checkpoint.CheckpointException;
import org.coolsd.checkpoint.TensorData;
import org.coolsd.decode.Window;
import org.coolsd.libtorch.Precision;
import org.coolsd.models.Checkpoints;
import org.coolsd.models.Component;
import org.coolsd.models.DecoderComponent;
import org.coolsd.models.DrafterComponent;
import org.coolsd.models.Summary;
import org.coolsd.models.TargetComponent;

/**
 * The models in a folder that make images together, not loaded: {@link Checkpoints} says where they may be.
 *
 * @param path the folder
 * @param target what makes the tokens
 * @param decoder what makes a picture of them
 * @param drafts where drafts come from
 * @param drafter the drafter, if they come from one
 * @param classes names of the classes by index, where the folder has them
 * @param sampling how to sample, where the folder says so
 * @param grey whether pictures are grey: those of models that the project trains
 */
public record ImageFolder(
        Path path,
        TargetComponent target,
        DecoderComponent decoder,
        Drafts drafts,
        Optional<DrafterComponent> drafter,
        List<String> classes,
        Optional<Sampling> sampling,
        boolean grey) {

    /**
     * Finds the models in {@code path}. Drafts come from the folder's drafter, where it has one, else from the target itself.
     *
     * @throws CheckpointException in one line, if there is no target or no picture decoder, or they do not go together
     */
    public static ImageFolder open(Path path) throws IOException {
        List<Component> found = Checkpoints.find(path);
        TargetComponent target = only(found, TargetComponent.class)
                .orElseThrow(() -> new CheckpointException(
                        path, "no model that makes tokens of images in it, only " + names(found)));
        DecoderComponent decoder = only(found, DecoderComponent.class)
                .orElseThrow(() -> new CheckpointException(
                        path,
                        "no tokenizer in it that makes pictures of tokens, only " + names(found)
                                + "; put its file beside the others or in " + path.resolve("tokenizer")));
        Optional<DrafterComponent> drafter = only(found, DrafterComponent.class);
        requireSameCodes(path, target, decoder);
        JsonNode config = Checkpoints.config(path);
        List<String> classes = new ArrayList<>();
        config.path("classes").forEach(name -> classes.add(name.asText()));
        boolean own = config.path("tokenizer").isObject();
        JsonNode guidance = config.path("guidance");
        return new ImageFolder(
                path,
                target,
                decoder,
                drafter.isPresent() ? new Drafts.Eagle(null) : new Drafts.Jacobi(),
                drafter,
                List.copyOf(classes),
                own && guidance.isNumber()
                        ? Optional.of(Sampling.of().guidance(guidance.floatValue()))
                        : Optional.empty(),
                own);
    }

    /** Where all of the target's tokens are codes, they are those of the decoder. */
    private static void requireSameCodes(Path path, TargetComponent target, DecoderComponent decoder)
            throws IOException {
        Summary tokens = target.summary();
        int codes = decoder.summary().vocabulary();
        if (tokens.imageTokens().equals(Window.ALL) && tokens.vocabulary() != codes) {
            throw new CheckpointException(
                    path,
                    "the target " + target.files() + " has " + tokens.vocabulary() + " tokens, the tokenizer "
                            + decoder.files() + " " + codes + " codes; they are not made for each other");
        }
    }

    private static <T extends Component> Optional<T> only(List<Component> found, Class<T> type) {
        return found.stream().filter(type::isInstance).map(type::cast).findFirst();
    }

    private static String names(List<Component> found) {
        List<String> names = new ArrayList<>();
        for (Component component : found) {
            names.add(component.files().toString());
        }
        return String.join(", ", names);
    }

    /**
     * With other drafts.
     *
     * @throws CheckpointException in one line, if they are to come from a drafter and there is none
     */
    public ImageFolder with(Drafts other) throws IOException {
        Optional<DrafterComponent> own = Optional.empty();
        if (other instanceof Drafts.Eagle eagle && eagle.folder() == null) {
            own = only(Checkpoints.find(path), DrafterComponent.class);
            if (own.isEmpty()) {
                throw new CheckpointException(
                        path, "no drafter in it; name the folder of one, or draft without one: jacobi or coupled");
            }
        } else if (other instanceof Drafts.Eagle eagle) {
            own = only(Checkpoints.find(eagle.folder()), DrafterComponent.class);
            if (own.isEmpty()) {
                throw new CheckpointException(eagle.folder(), "no drafter in it");
            }
        }
        return new ImageFolder(path, target, decoder, other, own, classes, sampling, grey);
    }

    /**
     * The class that {@code asked} is the name of, in small letters or large ones, or the index.
     *
     * @throws IllegalArgumentException in one line, with what it may be; an index is checked where the folder names its classes
     */
    public int label(String asked) {
        for (int i = 0; i < classes.size(); i++) {
            if (classes.get(i).equalsIgnoreCase(asked)) {
                return i;
            }
        }
        if (asked.matches("\\d{1,9}") && (classes.isEmpty() || Integer.parseInt(asked) < classes.size())) {
            return Integer.parseInt(asked);
        }
        throw new IllegalArgumentException("class is '" + asked + "', it must be "
                + (classes.isEmpty()
                        ? "a number: this model has no names of classes"
                        : "0.." + (classes.size() - 1) + " or one of " + String.join(", ", classes)));
    }

    /** The models that are loaded. */
    private List<Component> models() {
        List<Component> models = new ArrayList<>(List.of(target, decoder));
        drafter.ifPresent(models::add);
        return models;
    }

    /**
     * Bytes that the models take in memory, and {@code images} images beside them.
     *
     * @param precision of target and drafter
     */
    public long memory(Precision precision, int images) throws IOException {
        long bytes = images * target.summary().perImage();
        for (Component model : models()) {
            bytes += model.summary().memory(precision);
        }
        return bytes;
    }

    /** Bytes of the tensors in the files, of which {@code listener} is told as they are read. */
    public long reading(LongConsumer listener) throws IOException {
        long bytes = 0;
        for (Component model : models()) {
            for (TensorData tensor : model.files().stored().values()) {
                bytes += tensor.byteSize();
            }
            model.files().whenRead(listener);
        }
        return bytes;
    }
}
