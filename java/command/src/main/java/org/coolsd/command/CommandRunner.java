package org.coolsd.command;

import java.io.UncheckedIOException;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.IntConsumer;
import picocli.CommandLine;

/**
 * Runs commands. The exit code is 0 when the work is done, 1 after a failure of any kind, 2 after wrong usage, and 128 and
 * the signal's number when a signal ended the process (130 after Ctrl-C). An error is one line on standard error.
 */
public final class CommandRunner {
    /** The signals that ask a process to end, by name. */
    private static final Map<String, Integer> SIGNALS = Map.of("HUP", 1, "INT", 2, "TERM", 15);

    private CommandRunner() {}

    /** Runs {@code command} and ends the process with its exit code. */
    public static void launch(Object command, String... args) {
        keepHomeFolder();
        haltOnSignals();
        System.exit(execute(command, args));
    }

    /** Runs {@code command}; returns its exit code. */
    public static int execute(Object command, String... args) {
        try {
            return new CommandLine(command)
                    .setCaseInsensitiveEnumValuesAllowed(true)
                    .setParameterExceptionHandler((e, arguments) -> failed(e, 2))
                    .setExecutionExceptionHandler((e, line, result) -> failed(e, 1))
                    .execute(args);
        } catch (Throwable e) {
            // Errors, which picocli leaves alone: a library that cannot be loaded, memory that is used up.
            return failed(e, 1);
        }
    }

    private static int failed(Throwable e, int code) {
        System.err.println("coolsd: " + describe(e));
        return code;
    }

    /** What went wrong, in one line. */
    static String describe(Throwable thrown) {
        Throwable e = thrown;
        while (e.getCause() != null && isWrapper(e)) {
            e = e.getCause();
        }
        String message = e.getMessage() == null
                ? ""
                : e.getMessage()
                        .lines()
                        .map(String::strip)
                        .filter(line -> !line.isEmpty())
                        .findFirst()
                        .orElse("");
        if (e instanceof OutOfMemoryError) {
            return "out of memory (" + message + "); Java's heap has "
                    + (Runtime.getRuntime().maxMemory() >> 20)
                    + " MB, COOLSD_JAVA_OPTIONS=-Xmx4g would give it 4 GB";
        }
        if (e instanceof UnsatisfiedLinkError) {
            return "cannot load a native library: " + message;
        }
        if (e instanceof NoClassDefFoundError || e instanceof ClassNotFoundException) {
            return "cannot load a class: " + message;
        }
        if (e instanceof NoSuchFileException) {
            return message + ": no such file or folder";
        }
        if (e instanceof AccessDeniedException) {
            return message + ": permission denied";
        }
        if (e instanceof FileSystemException || e instanceof CommandLine.PicocliException) {
            return message;
        }
        // A message of few words does not explain itself without the kind of the error.
        return message.isEmpty() || e instanceof Error ? e.getClass().getSimpleName() + ": " + message : message;
    }

    /** Whether the cause says more than the throwable itself. */
    private static boolean isWrapper(Throwable e) {
        return e instanceof ExceptionInInitializerError
                || e instanceof NoClassDefFoundError
                || e instanceof ExecutionException
                || e instanceof UncheckedIOException
                || e instanceof InvocationTargetException;
    }

    /**
     * Ends the process at once when a signal asks for it: LibTorch's destructors crash while its threads still compute.
     * Files are safe, as they appear whole or not at all.
     */
    private static void haltOnSignals() {
        onSignals(code -> Runtime.getRuntime().halt(code));
    }

    /**
     * From now on the first signal that asks the process to end runs {@code gently}, after which the command is to return by
     * itself; a second one ends the process at once.
     */
    public static void endGently(Runnable gently) {
        AtomicBoolean asked = new AtomicBoolean();
        onSignals(code -> {
            if (asked.getAndSet(true)) {
                Runtime.getRuntime().halt(code);
            }
            gently.run();
        });
    }

    /**
     * Has signals that ask the process to end call {@code action} with the exit code that stands for them. The class is used by
     * name because javac warns of it however it is used; where a Java lacks it, or -Xrs takes the signals away, Java's own way
     * of ending remains.
     */
    private static void onSignals(IntConsumer action) {
        try {
            Class<?> signal = Class.forName("sun.misc.Signal");
            Class<?> handler = Class.forName("sun.misc.SignalHandler");
            for (Map.Entry<String, Integer> entry : SIGNALS.entrySet()) {
                int code = 128 + entry.getValue();
                InvocationHandler call = (proxy, method, arguments) -> {
                    action.accept(code);
                    return null;
                };
                signal.getMethod("handle", signal, handler)
                        .invoke(
                                null,
                                signal.getConstructor(String.class).newInstance(entry.getKey()),
                                Proxy.newProxyInstance(handler.getClassLoader(), new Class<?>[] {handler}, call));
            }
        } catch (ReflectiveOperationException e) {
            // The process then ends Java's way, with the same code.
        }
    }

    /** Java calls the home folder '?' where it knows none, as in containers; libraries would make a folder of that name. */
    private static void keepHomeFolder() {
        if (!Path.of(System.getProperty("user.home", "")).isAbsolute()) {
            System.setProperty("user.home", System.getProperty("java.io.tmpdir"));
        }
    }
}
