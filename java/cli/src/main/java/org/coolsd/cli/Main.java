package org.coolsd.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The command line. Exit codes: 0 done, 1 failure, 2 wrong usage; errors are one line on standard error. */
@Command(
        name = "coolsd",
        description = "Relaxed speculative decoding for autoregressive image models.",
        mixinStandardHelpOptions = true,
        version = "coolsd 0.1.0",
        footer = "The launcher has two more: test, and bench (coolsd bench --help).",
        subcommands = {GenerateCommand.class, EvaluateCommand.class, TrainCommand.class})
public final class Main {
    /**
     * Exit code after Ctrl-C, as shells count. The process is halted at once: LibTorch's destructors crash while its
     * threads still compute. Files are safe, they appear whole or not at all.
     */
    private static final int INTERRUPTED = 130;

    private Main() {}

    /** Runs the command line and ends the process with its exit code. */
    public static void main(String[] args) {
        launch(new Main(), args);
    }

    /** Runs {@code command}, this one or one of another module, and ends the process with its exit code. */
    public static void launch(Object command, String... args) {
        Thread stop = new Thread(() -> Runtime.getRuntime().halt(INTERRUPTED));
        Runtime.getRuntime().addShutdownHook(stop);
        int code = execute(command, args);
        Runtime.getRuntime().removeShutdownHook(stop);
        System.exit(code);
    }

    /** Runs the command line; returns its exit code. */
    static int run(String... args) {
        return execute(new Main(), args);
    }

    /** Runs {@code command}; returns its exit code. */
    public static int execute(Object command, String... args) {
        return new CommandLine(command)
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setParameterExceptionHandler((e, arguments) -> {
                    System.err.println("coolsd: " + firstLine(e));
                    return 2;
                })
                .setExecutionExceptionHandler((e, line, result) -> {
                    System.err.println("coolsd: " + firstLine(e));
                    return 1;
                })
                .execute(args);
    }

    private static String firstLine(Exception e) {
        String message = e.getMessage() == null ? e.toString() : e.getMessage();
        return message.lines().findFirst().orElse(e.toString());
    }
}
