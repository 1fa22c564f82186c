package org.coolsd.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The command line. Exit codes: 0 done, 1 failure, 2 wrong usage; errors are one line on standard error. */
@Command(
        name = "coolsd",
        description = "Relaxed speculative decoding for autoregressive image models.",
        mixinStandardHelpOptions = true,
        version = "coolsd 0.1.0",
        subcommands = {GenerateCommand.class, EvaluateCommand.class, TrainCommand.class})
public final class Main {
    private Main() {}

    /** Runs the command line and ends the process with its exit code. */
    public static void main(String[] args) {
        System.exit(new CommandLine(new Main())
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setParameterExceptionHandler((e, arguments) -> {
                    System.err.println("coolsd: " + firstLine(e));
                    return 2;
                })
                .setExecutionExceptionHandler((e, command, result) -> {
                    System.err.println("coolsd: " + firstLine(e));
                    return 1;
                })
                .execute(args));
    }

    private static String firstLine(Exception e) {
        String message = e.getMessage() == null ? e.toString() : e.getMessage();
        return message.lines().findFirst().orElse(e.toString());
    }
}
