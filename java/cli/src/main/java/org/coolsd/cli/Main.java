package org.coolsd.cli;

import org.coolsd.command.CommandRunner;
import picocli.CommandLine.Command;

/** The command line; exit codes as {@link CommandRunner} has them. */
@Command(
        name = "coolsd",
        description = "Relaxed speculative decoding for autoregressive image models.",
        mixinStandardHelpOptions = true,
        version = "coolsd 0.1.0",
        footer = "The launcher has two more: test, and bench (coolsd bench --help).",
        subcommands = {GenerateCommand.class, EvaluateCommand.class, TrainCommand.class})
public final class Main {
    private Main() {}

    /** Runs the command line and ends the process with its exit code. */
    public static void main(String[] args) {
        CommandRunner.launch(new Main(), args);
    }

    /** Runs the command line; returns its exit code. */
    static int run(String... args) {
        return CommandRunner.execute(new Main(), args);
    }
}
