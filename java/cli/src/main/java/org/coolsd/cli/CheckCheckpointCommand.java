package org.coolsd.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.StringJoiner;
import java.util.concurrent.Callable;
import org.coolsd.command.JsonOption;
import org.coolsd.command.MemoryNeed;
import org.coolsd.command.Version;
import org.coolsd.decode.Window;
import org.coolsd.images.CaptionEncoder;
import org.coolsd.libtorch.LibTorch;
import org.coolsd.libtorch.Precision;
import org.coolsd.models.CheckpointCheck;
import org.coolsd.models.Checkpoints;
import org.coolsd.models.Component;
import org.coolsd.models.Summary;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code coolsd check-checkpoint}: what the models in a folder are, and whether they are read right. */
@Command(
        name = "check-checkpoint",
        description = {
            "Loads the models in a folder in f32, a text encoder in its folder 'encoder' too, and says what they are and which"
                    + " of their tensors are read.",
            "Where the official code's outputs are beside them (expected.safetensors), compares with these.",
            "Exit code 0 if all is right, 1 if not."
        },
        mixinStandardHelpOptions = true,
        versionProvider = Version.class)
final class CheckCheckpointCommand implements Callable<Integer> {
    @Parameters(paramLabel = "DIR", description = "folder of a checkpoint, or of several models' folders")
    private Path folder;

    @Mixin
    private JsonOption json;

    @Override
    public Integer call() throws Exception {
        json.check();
        List<Component> models = new ArrayList<>(Checkpoints.find(folder));
        CaptionEncoder.find(folder).ifPresent(models::add);
        List<Map<String, Object>> found = new ArrayList<>();
        for (Component model : models) {
            found.add(describe(model));
        }
        requireMemory(models);
        LibTorch.load(Runtime.getRuntime().availableProcessors());
        boolean right = true;
        List<Map<String, Object>> checks = new ArrayList<>();
        for (Map.Entry<Path, CheckpointCheck> e : CheckpointCheck.of(models).entrySet()) {
            checks.add(report(e.getKey(), e.getValue()));
            right &= e.getValue().passed();
        }
        Map<String, Object> figures = new LinkedHashMap<>();
        figures.put("models", found);
        figures.put("files", checks);
        figures.put("tolerance", CheckpointCheck.TOLERANCE);
        figures.put("right", right);
        json.write(figures);
        return right ? 0 : 1;
    }

    /** One file's tensors are in memory at a time. */
    private void requireMemory(List<Component> models) throws IOException {
        long needed = 0;
        for (Component model : models) {
            needed = Math.max(needed, model.summary().memory().get(Precision.F32));
        }
        MemoryNeed.of(folder + ", to be checked in f32,", needed).require();
    }

    private static Map<String, Object> describe(Component model) throws IOException {
        Summary summary = model.summary();
        boolean all = summary.imageTokens().equals(Window.ALL);
        int from = all ? 0 : summary.imageTokens().from();
        int to = all ? summary.vocabulary() : summary.imageTokens().to();
        StringJoiner memory = new StringJoiner(", ");
        Map<String, Object> bytes = new LinkedHashMap<>();
        summary.memory().forEach((precision, n) -> {
            String name = precision.name().toLowerCase(Locale.ROOT);
            memory.add(MemoryNeed.text(n) + " at " + name);
            bytes.put(name, n);
        });
        System.out.println(model.files());
        line("architecture", summary.architecture());
        line(
                "parameters",
                String.format(Locale.ROOT, "%,d, stored as %s", summary.parameters(), names(summary.stored())));
        line("vocabulary", summary.vocabulary() + ", image tokens " + from + ".." + (to - 1));
        line(
                "memory",
                memory
                        + (summary.perImage() == 0
                                ? ""
                                : "; with " + MemoryNeed.text(summary.perImage()) + " an image beside"));
        Map<String, Object> figures = new LinkedHashMap<>();
        figures.put("file", model.files().toString());
        figures.put("architecture", summary.architecture());
        figures.put("parameters", summary.parameters());
        figures.put("stored", summary.stored());
        figures.put("vocabulary", summary.vocabulary());
        figures.put("imageTokensFrom", from);
        figures.put("imageTokensTo", to);
        figures.put("memory", bytes);
        figures.put("memoryPerImage", summary.perImage());
        return figures;
    }

    private static Map<String, Object> report(Path file, CheckpointCheck check) {
        System.out.println(file);
        line("tensors", check.used() + " read" + named(", not read by anything: ", check.unused()));
        if (!check.cancelling().isEmpty()) {
            line(
                    "",
                    check.cancelling().size() + " of these cancel out, so no output shows what they are: "
                            + String.join(", ", check.cancelling()));
        }
        check.errors()
                .forEach((name, error) -> line(
                        name,
                        String.format(
                                Locale.ROOT,
                                "largest error %.2g%s",
                                error,
                                error <= CheckpointCheck.TOLERANCE ? "" : ", beyond the tolerance")));
        line("verdict", verdict(file, check));
        Map<String, Object> figures = new LinkedHashMap<>();
        figures.put("file", file.toString());
        figures.put("read", check.used());
        figures.put("unused", check.unused());
        figures.put("unknown", check.unknown());
        figures.put("cancelling", check.cancelling());
        figures.put("errors", finite(check.errors()));
        figures.put("right", check.passed());
        return figures;
    }

    /** Numbers of JSON: an error that is none becomes the largest. */
    private static Map<String, Double> finite(Map<String, Double> errors) {
        Map<String, Double> finite = new LinkedHashMap<>();
        errors.forEach((name, error) -> finite.put(name, Math.min(error, Double.MAX_VALUE)));
        return finite;
    }

    private static String verdict(Path file, CheckpointCheck check) {
        String tolerance =
                String.format(Locale.ROOT, "%.0e, absolute, for values of order 1", CheckpointCheck.TOLERANCE);
        if (!check.unknown().isEmpty()) {
            return "wrong: " + check.unknown().size() + " tensors are none of the model's"
                    + named(": ", check.unknown());
        }
        if (!check.passed()) {
            return "wrong: other outputs than the official code's (tolerance " + tolerance + ")";
        }
        if (!check.errors().isEmpty()) {
            return "right: the official code's outputs (tolerance " + tolerance + ")";
        }
        return Files.exists(file.resolveSibling(CheckpointCheck.EXPECTED))
                ? "loads; " + CheckpointCheck.EXPECTED + " has none of its outputs"
                : "loads; there is no " + CheckpointCheck.EXPECTED + " to compare with";
    }

    private static String named(String before, Collection<String> names) {
        return names.isEmpty() ? "" : before + String.join(", ", names);
    }

    private static String names(Collection<?> values) {
        StringJoiner names = new StringJoiner(" and ");
        values.forEach(value -> names.add(value.toString()));
        return names.toString();
    }

    private static void line(String name, String value) {
        System.out.printf(Locale.ROOT, "  %-22s %s%n", name, value);
    }
}
