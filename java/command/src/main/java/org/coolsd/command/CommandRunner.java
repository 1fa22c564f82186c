package org.coolsd.command;

import picocli.CommandLine;

/** Runs commands. Exit codes: 0 done, 1 failure, 2 wrong usage; errors are one line on standard error. */
public final class CommandRunner {
    /**
     * Exit code after Ctrl-C, as shells count. The process is halted at once: LibTorch's destructors crash while its
     * threads still compute. Files are safe, they appear whole or not at all.
     */
    private static final int INTERRUPTED = 130;

    private CommandRunner() {}

    /** Runs {@code command} and ends the process with its exit code. */
    public static void launch(Object command, String... args) {
        Thread stop = new Thread(() -> Runtime.getRuntime().halt(INTERRUPTED));
        Runtime.getRuntime().addShutdownHook(stop);
        int code = execute(command, args);
        Runtime.getRuntime().removeShutdownHook(stop);
        System.exit(code);
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
