package org.coolsd.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.coolsd.command.CommandRunner;
import org.coolsd.command.JsonOption;
import org.coolsd.command.Version;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.TimeValue;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code coolsd bench}: one table of the library against its peers. */
@Command(
        name = "coolsd bench",
        description =
                "Times the library against LibTorch operators, a Java loop and reading the same bytes once, on one"
                        + " thread. Without options a selection in under 3 minutes.",
        sortOptions = false,
        mixinStandardHelpOptions = true,
        versionProvider = Version.class)
public final class BenchCommand implements Callable<Integer> {
    private static final int ITERATIONS = 5;
    private static final TimeValue TIME = TimeValue.milliseconds(100);

    /** What to do instead of the short selection. */
    private static final class Selection {
        @Option(names = "--full", description = "every parameter; takes most of an hour")
        private boolean full;

        @Option(names = "--scaling", description = "how the cost grows with V and with the batch, and nothing else")
        private boolean scaling;

        @Option(
                names = "--end-to-end",
                description = "whole images in every way: tokens/s, speed-up over plain sampling, where the time goes")
        private boolean endToEnd;

        @Option(names = "--memory", description = "1000 images: memory, threads and files every 50")
        private boolean memory;

        @Option(
                names = "--batch-invariance",
                description = "how many of 200 images change with the batch, in every precision")
        private boolean batchInvariance;

        @Option(
                names = "--verification",
                description =
                        "accepted length and drift of 200 images, token by token and as blocks, for every schedule")
        private boolean verification;

        @Option(
                names = "--drafters",
                description =
                        "accepted length, drift and time of images with EAGLE, with drafts of the target's own and with none")
        private boolean drafters;

        @Option(
                names = "--shapes",
                arity = "0..1",
                split = ",",
                fallbackValue = "B,L,XL",
                paramLabel = "SIZES",
                description =
                        "memory and pass times of LlamaGen's sizes, with random weights; B,L,XL unless some are named")
        private List<Shapes.Size> shapes;

        @Option(
                names = "--compare",
                arity = "2",
                paramLabel = "FILE",
                description = "measure nothing; say which figures of two results files differ beyond their noise")
        private List<Path> compare;

        Plan plan() {
            return full ? Plan.full() : scaling ? Plan.scaling() : Plan.brief();
        }
    }

    @ArgGroup
    private Selection selection = new Selection();

    @Option(
            names = "--rounds",
            paramLabel = "N",
            description = "take every measurement N times, in turn (default: ${DEFAULT-VALUE})")
    private int rounds = 3;

    @Mixin
    private EndToEndOptions endToEnd;

    @Mixin
    private JsonOption json;

    @Spec
    private CommandSpec command;

    /** Runs the command and ends the process with its exit code. */
    public static void main(String[] args) {
        CommandRunner.launch(new BenchCommand(), args);
    }

    @Override
    public Integer call() throws IOException, RunnerException {
        if (selection.compare != null) {
            compare();
            return 0;
        }
        if (rounds < 1) {
            throw new ParameterException(command.commandLine(), "rounds is " + rounds + ", it must be at least 1");
        }
        json.check();
        Machine machine = Machine.describe(Path.of(System.getProperty("coolsd.home", ".")));
        if (selection.endToEnd) {
            json.write(endToEnd.run(machine));
            return 0;
        }
        if (selection.memory) {
            json.write(MemoryWatch.run(machine));
            return 0;
        }
        if (selection.batchInvariance) {
            json.write(BatchInvariance.run(machine));
            return 0;
        }
        if (selection.verification) {
            json.write(VerificationTable.run(machine));
            return 0;
        }
        if (selection.shapes != null) {
            json.write(Shapes.run(machine, selection.shapes));
            return 0;
        }
        if (selection.drafters) {
            json.write(DraftersTable.run(machine));
            return 0;
        }
        Plan plan = selection.plan();
        Map<Measure, Samples> measured = new JmhRounds(rounds, ITERATIONS, TIME).run(plan.measures());
        List<Figure> figures = plan.figures(measured);
        json.write(Results.of(machine, figures, measured));
        print(machine, figures);
        return 0;
    }

    private static void print(Machine machine, List<Figure> figures) {
        int name = width(figures.stream().map(Figure::name).toList());
        int where = width(figures.stream().map(Figure::where).toList());
        String line = "%-" + name + "s  %-" + where + "s  %9s %10s  %s%n";
        System.out.printf(line, "one thread, medians", "", "figure", "noise", "bar");
        for (Figure figure : figures) {
            String value = figure.kind().text(figure.value());
            String noise = "± " + figure.kind().text(figure.noise());
            System.out.printf(line, figure.name(), figure.where(), value, noise, figure.verdict());
        }
        System.out.println(machine);
    }

    private static int width(List<String> words) {
        return words.stream().mapToInt(String::length).max().orElse(1);
    }

    private void compare() throws IOException {
        if (selection.compare.size() != 2) {
            throw new ParameterException(command.commandLine(), "--compare is given more than once");
        }
        json.check();
        for (Path file : selection.compare) {
            System.out.println(file + ": " + Results.read(file).machine());
        }
        ResultsComparison comparison =
                ResultsComparison.of(Results.read(selection.compare.get(0)), Results.read(selection.compare.get(1)));
        json.write(comparison);
        comparison.moved().forEach(System.out::println);
        System.out.println(comparison.moved().size() + " of " + comparison.compared()
                + " figures moved beyond their noise"
                + (comparison.unmatched() == 0 ? "" : "; " + comparison.unmatched() + " are in one file only"));
    }
}
