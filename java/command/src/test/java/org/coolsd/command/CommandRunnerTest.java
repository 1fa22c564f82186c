package org.coolsd.command;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import org.coolsd.CoolsdException;
import org.junit.jupiter.api.Test;
import picocli.CommandLine.Command;

/** One line and exit code 1 for everything that can be thrown. */
class CommandRunnerTest {
    /** A command that throws. */
    @Command(name = "thrower")
    private record Thrower(Throwable thrown) implements Callable<Integer> {
        @Override
        public Integer call() throws Exception {
            if (thrown instanceof Error error) {
                throw error;
            }
            throw (Exception) thrown;
        }
    }

    private static String said(Throwable thrown) {
        PrintStream error = System.err;
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try {
            System.setErr(new PrintStream(bytes, true, StandardCharsets.UTF_8));
            assertThat(CommandRunner.execute(new Thrower(thrown))).isEqualTo(1);
        } finally {
            System.setErr(error);
        }
        String text = bytes.toString(StandardCharsets.UTF_8);
        assertThat(text).startsWith("coolsd: ").endsWith("\n");
        assertThat(text.lines()).hasSize(1);
        return text.substring("coolsd: ".length()).strip();
    }

    @Test
    void errorsAndExceptionsAreOneLine() {
        assertThat(said(new CoolsdException("no library"))).isEqualTo("no library");
        assertThat(said(new UnsatisfiedLinkError("no jnitorch in java.library.path")))
                .isEqualTo("cannot load a native library: no jnitorch in java.library.path");
        assertThat(said(new ExceptionInInitializerError(new CoolsdException("no library"))))
                .isEqualTo("no library");
        NoClassDefFoundError again = new NoClassDefFoundError("Could not initialize class A");
        again.initCause(new ExceptionInInitializerError(new UnsatisfiedLinkError("no A")));
        assertThat(said(again)).isEqualTo("cannot load a native library: no A");
        assertThat(said(new NoClassDefFoundError("org/x/A"))).isEqualTo("cannot load a class: org/x/A");
        assertThat(said(new OutOfMemoryError("Java heap space")))
                .startsWith("out of memory (Java heap space); ")
                .contains("-Xmx4g");
        assertThat(said(new StackOverflowError())).startsWith("StackOverflowError");
        assertThat(said(new AssertionError("a\nb"))).isEqualTo("AssertionError: a");
        assertThat(said(new NullPointerException())).startsWith("NullPointerException");
        assertThat(said(new ExecutionException(new IllegalStateException("inside"))))
                .isEqualTo("inside");
        assertThat(said(new NoSuchFileException("/a"))).isEqualTo("/a: no such file or folder");
        assertThat(said(new AccessDeniedException("/a"))).isEqualTo("/a: permission denied");
        assertThat(said(new RuntimeException(
                        "\nmat1 and mat2 shapes cannot be multiplied\nException raised from meta")))
                .as("C++")
                .isEqualTo("mat1 and mat2 shapes cannot be multiplied");
    }
}
