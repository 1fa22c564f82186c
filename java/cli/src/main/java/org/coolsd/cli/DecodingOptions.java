package org.coolsd.cli;

import java.util.Locale;
import org.coolsd.Sampling;
import org.coolsd.Schedule;
import org.coolsd.images.ModelFolder;
import org.coolsd.images.decoding.DraftLength;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The options that say how tokens are decided. */
final class DecodingOptions {
    /** The schedules by name; METHOD, "Schedules" and "Baselines". */
    enum Kind {
        TARGET,
        LOSSLESS,
        UNIFORM,
        EXPONENTIAL,
        LINEAR,
        CLAMPED,
        GEOMETRIC;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    private static final String SCHEDULE_HELP = "how far acceptance is relaxed along a draft: ${COMPLETION-CANDIDATES}."
            + " target is plain sampling without drafts; lossless drafts and keeps the target's law; exponential is COOL-SD;"
            + " clamped is COOL-SD with no factor below 1; geometric is COOL-SD with delta as geometric mean."
            + " Recommended: clamped, which is faster than exponential and drifts less, as in"
            + " --schedule clamped --delta 1.1 (default: ${DEFAULT-VALUE})";

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    @Option(names = "--schedule", description = SCHEDULE_HELP)
    private Kind kind = Kind.EXPONENTIAL;

    @Option(
            names = "--delta",
            paramLabel = "D",
            description = "mean relaxation factor, at least 0; 1 with --schedule lossless (default: ${DEFAULT-VALUE})")
    private double delta = 1.1;

    @Option(
            names = "--draft-length",
            paramLabel = "L",
            description = "tokens drafted per step, 0..64 (default: ${DEFAULT-VALUE})")
    private int draftLength = 5;

    @Option(
            names = "--adaptive",
            paramLabel = "R",
            description =
                    "drafts on only while all so far are accepted with probability R or more, learnt from the image;"
                            + " L is then the most (default: always L)")
    private Double reach;

    @Option(names = "--guidance", paramLabel = "G", description = "classifier-free guidance (default: the model's)")
    private Float guidance;

    @Option(names = "--temperature", paramLabel = "T", description = "0 is argmax (default: ${DEFAULT-VALUE})")
    private float temperature = 1;

    @Option(names = "--top-k", paramLabel = "K", description = "0 keeps all (default: ${DEFAULT-VALUE})")
    private int topK = 0;

    @Option(names = "--top-p", paramLabel = "P", description = "1 keeps all (default: ${DEFAULT-VALUE})")
    private float topP = 1;

    /** The schedule with its draft length; a usage error if a value is out of range. */
    Schedule.Drafts schedule() {
        return checked(() -> {
            Schedule schedule =
                    switch (kind) {
                        case TARGET, LOSSLESS -> Schedule.lossless();
                        case UNIFORM -> Schedule.uniform(delta);
                        case EXPONENTIAL -> Schedule.exponential(delta);
                        case LINEAR -> Schedule.linear(delta, 0);
                        case CLAMPED -> Schedule.exponential(delta).clamped();
                        case GEOMETRIC -> Schedule.exponential(delta).geometricMean();
                    };
            Schedule.Drafts drafts = schedule.draftLength(draftLength);
            return kind == Kind.TARGET ? schedule.draftLength(0) : drafts;
        });
    }

    /** How many tokens a step drafts; a usage error if the value is out of range. */
    DraftLength draftLength() {
        return checked(() -> reach == null ? DraftLength.fixed() : DraftLength.adaptive(reach));
    }

    /** What the schedule is called. */
    String name() {
        String name =
                switch (kind) {
                    case TARGET -> "plain sampling";
                    case LOSSLESS -> "lossless, L = " + draftLength;
                    default -> String.format(Locale.ROOT, "%s, delta = %s, L = %d", kind, delta, draftLength);
                };
        return kind == Kind.TARGET || reach == null ? name : name + ", adaptive " + reach;
    }

    /** Temperature, guidance and cut-offs; a usage error if a value is out of range. */
    Sampling sampling(ModelFolder folder) {
        return checked(() -> Sampling.of()
                .temperature(temperature)
                .guidance(guidance == null ? folder.config().guidance() : guidance)
                .topK(topK)
                .topP(topP));
    }

    private <T> T checked(java.util.function.Supplier<T> value) {
        try {
            return value.get();
        } catch (IllegalArgumentException e) {
            throw new ParameterException(command.commandLine(), e.getMessage());
        }
    }
}
