package org.coolsd.cli;

import java.util.concurrent.Callable;
import org.coolsd.command.CommandRunner;
import org.coolsd.command.Version;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** The command line; exit codes as {@link CommandRunner} has them. */
@Command(
        name = "coolsd",
        description = "Relaxed speculative decoding for autoregressive image models.",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        footer = {
            "The launcher has three more commands: test, bench and spark-generate (coolsd bench --help).",
            "For example: coolsd generate --class Trouser --count 9 --output trousers.png"
        },
        subcommands = {
            GenerateCommand.class,
            ServeCommand.class,
            EvaluateCommand.class,
            TrainCommand.class,
            CheckCheckpointCommand.class,
            CompletionCommand.class
        })
public final class Main implements Callable<Integer> {
    @Spec
    private CommandSpec command;

    Main() {}

    /** Runs the command line and ends the process with its exit code. */
    public static void main(String[] args) {
        CommandRunner.launch(new Main(), args);
    }

    /** Runs the command line; returns its exit code. */
    static int run(String... args) {
        return CommandRunner.execute(new Main(), args);
    }

    /** Without a command: says which there are. */
    @Override
    public Integer call() {
        command.commandLine().usage(System.err);
        return 2;
    }
}
