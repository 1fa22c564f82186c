package org.coolsd.command;

import java.util.Locale;
import org.coolsd.decode.Drafter;
import org.coolsd.images.ImageModel;
import picocli.CommandLine.Option;

/** The options that say where drafts come from, and how long they are. */
public final class DraftOptions {
    /** Filled by picocli. */
    public DraftOptions() {}

    /** The sources of drafts by name; docs/method.md, "Drafts without a drafter". */
    public enum Source {
        /** The model's own drafter. */
        EAGLE,
        /** The target's last pass. */
        JACOBI,
        /** The same, with tokens that stay as far as their law does. */
        COUPLED,
        /** Nothing: plain sampling. */
        NONE;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    @Option(
            names = "--drafter",
            description =
                    "where drafts come from: ${COMPLETION-CANDIDATES}. eagle is the model's own drafter; jacobi draws"
                            + " from what the target's last pass found behind the refused token, and needs no second model; coupled"
                            + " is jacobi with tokens that stay as far as their law does, for --verification token; none is plain"
                            + " sampling (default: ${DEFAULT-VALUE})")
    private Source source = Source.EAGLE;

    @Option(
            names = {"--draft-length", "--window"},
            paramLabel = "L",
            description = "tokens drafted per step, 0..64: how far ahead jacobi and coupled look, which is called their"
                    + " window (default: ${DEFAULT-VALUE})")
    private int length = 5;

    /** Where drafts come from. */
    public Source source() {
        return source;
    }

    /** The longest draft; 0 is plain sampling. */
    public int length() {
        return source == Source.NONE ? 0 : length;
    }

    /** The source of drafts for a model. */
    public Drafter<Integer> drafter(ImageModel model) {
        return switch (source) {
            case EAGLE -> model.eagle();
            case JACOBI -> Drafter.jacobi();
            case COUPLED -> Drafter.coupled();
            case NONE -> Drafter.none();
        };
    }
}
