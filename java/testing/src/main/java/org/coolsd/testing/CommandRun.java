package org.coolsd.testing;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.function.IntSupplier;

/**
 * What a run of a command left behind.
 *
 * @param code its exit code
 * @param out what it wrote to standard output
 * @param error what it wrote to standard error
 */
public record CommandRun(int code, String out, String error) {
    /** Runs a command with the standard streams in memory, which the whole process has but once: one run at a time. */
    public static CommandRun of(IntSupplier command) {
        PrintStream out = System.out;
        PrintStream error = System.err;
        ByteArrayOutputStream outBytes = new ByteArrayOutputStream();
        ByteArrayOutputStream errorBytes = new ByteArrayOutputStream();
        try {
            System.setOut(new PrintStream(outBytes, true, StandardCharsets.UTF_8));
            System.setErr(new PrintStream(errorBytes, true, StandardCharsets.UTF_8));
            int code = command.getAsInt();
            return new CommandRun(
                    code, outBytes.toString(StandardCharsets.UTF_8), errorBytes.toString(StandardCharsets.UTF_8));
        } finally {
            System.setOut(out);
            System.setErr(error);
        }
    }
}
