package org.coolsd.cli;

import java.util.concurrent.Callable;
import org.coolsd.command.Version;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;

/** {@code coolsd completion}: a script that lets the shell complete commands and options. */
@Command(
        name = "completion",
        description = {
            "Prints a script for bash or zsh that completes commands and options.",
            "Use it with: source <(./coolsd completion)"
        },
        mixinStandardHelpOptions = true,
        versionProvider = Version.class)
final class CompletionCommand implements Callable<Integer> {
    @Override
    public Integer call() {
        CommandLine all = new CommandLine(new Main());
        // The launcher's own.
        all.addSubcommand("bench", CommandSpec.create());
        all.addSubcommand("spark-generate", CommandSpec.create());
        all.addSubcommand("test", CommandSpec.create());
        System.out.println(AutoComplete.bash("coolsd", all));
        return 0;
    }
}
