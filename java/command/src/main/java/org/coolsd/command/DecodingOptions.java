package org.coolsd.command;

import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.TreeMap;
import org.coolsd.Sampling;
import org.coolsd.decode.DecoderOptions;
import org.coolsd.images.Decoding;
import org.coolsd.images.Drafts;
import org.coolsd.images.ScheduleName;
import org.coolsd.images.Verification;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The options that say how tokens are decided. */
public final class DecodingOptions {
    /** Filled by picocli. */
    public DecodingOptions() {}

    private static final String SCHEDULE_HELP = "how far acceptance is relaxed along a draft: ${COMPLETION-CANDIDATES}."
            + " target is plain sampling without drafts; lossless drafts and keeps the target's law; exponential is COOL-SD;"
            + " clamped is COOL-SD with no factor below 1; geometric is COOL-SD with delta as geometric mean;"
            + " entropy relaxes where the target is undecided. Recommended: exponential, which accepts the most; where the law"
            + " matters more, clamped, which drifts half as much at the same delta, as in --schedule clamped --delta 1.1 (default: ${DEFAULT-VALUE})";

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    @Option(names = "--schedule", description = SCHEDULE_HELP)
    private ScheduleName kind = Decoding.standard().schedule();

    @Option(
            names = "--delta",
            paramLabel = "D",
            description = "mean relaxation factor, at least 0; 1 with --schedule lossless (default: ${DEFAULT-VALUE})")
    private double delta = Decoding.standard().delta();

    @Option(
            names = "--drafter",
            paramLabel = "NAME|DIR",
            description =
                    "where drafts come from: eagle, a model that reads the target's features, in the model folder or in"
                            + " DIR; jacobi, the target's own last pass; coupled, the same drawn anew only as far as the target has"
                            + " changed its mind; none (default: eagle where the model has one, else jacobi)")
    private String drafter;

    @Option(
            names = {"--draft-length", "--window"},
            paramLabel = "L",
            description = "tokens drafted per step, 0..64; with jacobi and coupled how far ahead they look"
                    + " (default: ${DEFAULT-VALUE})")
    private int draftLength = Decoding.standard().draftLength();

    @Option(
            names = "--adaptive",
            paramLabel = "R",
            description =
                    "drafts on only while all so far are accepted with probability R or more, learnt from the image;"
                            + " L is then the most (default: always L)")
    private Double reach;

    @Option(
            names = "--verification",
            paramLabel = "block|token",
            description = "block: a prefix of the draft is accepted as a whole, which is longer at the same factors;"
                    + " token: token by token, as the paper has it (default: block; token with --drafter coupled)")
    private Verification rule;

    @Option(
            names = "--drift-budget",
            paramLabel = "D",
            description =
                    "the most drift of an image, at least 0: each factor is the largest that keeps to it; what a token"
                            + " leaves goes to those behind it. In place of --schedule and --delta")
    private Double driftBudget;

    @Option(
            names = "--most-factor",
            paramLabel = "F",
            description =
                    "with --drift-budget: no factor is larger, so no token becomes more than F times as likely as the"
                            + " target has it; at least 1 (default: none)")
    private Double mostFactor;

    @Option(names = "--guidance", paramLabel = "G", description = "classifier-free guidance (default: the model's)")
    private Float guidance;

    @Option(names = "--temperature", paramLabel = "T", description = "0 is argmax (default: the model's, mostly 1)")
    private Float temperature;

    @Option(names = "--top-k", paramLabel = "K", description = "0 keeps all (default: the model's)")
    private Integer topK;

    @Option(names = "--top-p", paramLabel = "P", description = "1 keeps all (default: the model's)")
    private Float topP;

    /** A command of these options and nothing else. */
    @Command
    private static final class Alone {
        @Mixin
        private DecodingOptions options;
    }

    /**
     * What a command line with these options says, where there is no command line.
     *
     * @param values by the long names of options, without dashes: delta to 1.2
     * @throws IllegalArgumentException in one line, if a name is none, or a value none of its option's
     */
    public static DecodingOptions of(Map<String, String> values) {
        Alone alone = new Alone();
        try {
            new CommandLine(alone)
                    .setCaseInsensitiveEnumValuesAllowed(true)
                    .parseArgs(values.entrySet().stream()
                            .map(value -> "--" + value.getKey() + "=" + value.getValue())
                            .toArray(String[]::new));
        } catch (ParameterException e) {
            throw new IllegalArgumentException(e.getMessage(), e);
        }
        return alone.options;
    }

    /** The options that were given, as {@link #of} takes them. */
    public Map<String, String> values() {
        Set<String> own =
                CommandSpec.forAnnotatedObject(new Alone()).optionsMap().keySet();
        Map<String, String> values = new TreeMap<>();
        for (OptionSpec option : command.commandLine().getParseResult().matchedOptions()) {
            if (own.contains(option.longestName())) {
                values.put(
                        option.longestName().substring(2),
                        option.originalStringValues().get(0));
            }
        }
        return values;
    }

    /**
     * How a decoder decides; a usage error if a value is out of range, or they do not go together.
     *
     * @param drafts where drafts come from
     * @param slots images side by side
     */
    public DecoderOptions decoder(Drafts drafts, int slots) {
        return checked(() -> {
            if (drafts instanceof Drafts.Coupled && decoding().verification(drafts) == Verification.BLOCK) {
                throw new IllegalArgumentException(
                        "--drafter coupled goes with --verification token: a token that it keeps from a refused block would"
                                + " be biased (see docs/drop-in.md)");
            }
            if (driftBudget == null && (mostFactor != null || kind == ScheduleName.BUDGET)) {
                throw new IllegalArgumentException("--drift-budget is missing: it says how much an image may drift");
            }
            if (driftBudget != null
                    && kind != ScheduleName.BUDGET
                    && command.commandLine().getParseResult().hasMatchedOption("--schedule")) {
                throw new IllegalArgumentException("--drift-budget chooses the factors itself; leave out --schedule");
            }
            return decoding().options(drafts, slots);
        });
    }

    private Decoding decoding() {
        return new Decoding(
                kind,
                delta,
                optional(driftBudget),
                optional(mostFactor),
                draftLength,
                optional(reach),
                Optional.ofNullable(rule));
    }

    private static OptionalDouble optional(Double value) {
        return value == null ? OptionalDouble.empty() : OptionalDouble.of(value);
    }

    /**
     * Where drafts come from, unless told otherwise {@code byDefault}.
     *
     * @param onDevice whether the target computes on a device, where there are no drafts of the target's own
     */
    public Drafts drafts(Drafts byDefault, boolean onDevice) {
        if (decoding().isPlain()) {
            return new Drafts.None();
        }
        Drafts drafts = drafter == null ? byDefault : checked(() -> Drafts.of(drafter));
        if (onDevice && (drafts instanceof Drafts.Jacobi || drafts instanceof Drafts.Coupled)) {
            if (drafter != null) {
                throw new ParameterException(
                        command.commandLine(),
                        "--drafter " + drafter + " keeps its rows in host memory: use --device cpu, or a drafter of"
                                + " eagle's kind");
            }
            System.err.println("no drafter in the model folder, and drafts of the target's own need --device cpu:"
                    + " plain sampling");
            return new Drafts.None();
        }
        return drafts;
    }

    /** What the way of decoding is called. */
    public String name(Drafts drafts) {
        return decoding().name(drafts);
    }

    /** Temperature, guidance and cut-offs, {@code byDefault} where nothing is said; a usage error if one is out of range. */
    public Sampling sampling(Sampling byDefault) {
        return checked(() -> byDefault
                .temperature(temperature == null ? byDefault.temperature() : temperature)
                .guidance(guidance == null ? byDefault.guidance() : guidance)
                .topK(topK == null ? byDefault.topK() : topK)
                .topP(topP == null ? byDefault.topP() : topP));
    }

    private <T> T checked(java.util.function.Supplier<T> value) {
        try {
            return value.get();
        } catch (IllegalArgumentException e) {
            throw new ParameterException(command.commandLine(), e.getMessage());
        }
    }
}
