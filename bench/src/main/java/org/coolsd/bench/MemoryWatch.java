package org.coolsd.bench;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.management.JMException;
import javax.management.ObjectName;
import org.coolsd.Acceptance;
import org.coolsd.Schedule;
import org.coolsd.decode.Decoder;
import org.coolsd.decode.DecoderOptions;
import org.coolsd.decode.DraftPolicy;
import org.coolsd.decode.Request;
import org.coolsd.decode.Result;
import org.coolsd.libtorch.LibTorch;
import org.coolsd.libtorch.Placement;
import org.coolsd.libtorch.Precision;

/** Makes 1000 images in one process, in batches with ragged drafts, pictures too, and looks at its memory after every 50 of them. */
final class MemoryWatch {
    private static final int IMAGES = 1000;
    private static final int EVERY = 50;
    private static final Pattern COMMITTED = Pattern.compile("Total:.*committed=(\\d+)KB");

    private MemoryWatch() {}

    /**
     * What was seen.
     *
     * @param images made so far
     * @param residentKiB of the process
     * @param jvmKiB committed by the JVM, by its native memory tracking; 0 without
     * @param threads of the process
     * @param files open
     */
    record Look(int images, long residentKiB, long jvmKiB, long threads, long files) {}

    static Map<String, Object> run(Machine machine) throws IOException {
        LibTorch.load(1);
        try (Shipped<?> model = Shipped.load(Precision.fastest(), Placement.cpu())) {
            return run(machine, model);
        }
    }

    private static <C> Map<String, Object> run(Machine machine, Shipped<C> model) throws IOException {
        List<Look> looks = new ArrayList<>();
        System.out.println("| images | resident MiB | JVM MiB | threads | files |");
        System.out.println("|---:|---:|---:|---:|---:|");
        DecoderOptions options = DecoderOptions.of(8)
                .slots(8)
                .schedule(Schedule.exponential(1.1))
                .acceptance(Acceptance.block())
                .drafts(DraftPolicy.adaptive(0.4));
        try (Decoder<C> decoder = model.decoder(1, options)) {
            for (int made = 0; made < IMAGES; made += EVERY) {
                List<Request<C>> requests = model.requests(made, EVERY);
                List<Result> results = decoder.decode(requests);
                for (int i = 0; i < EVERY; i++) {
                    model.images()
                            .picture(requests.get(i).condition(), results.get(i).tokens());
                }
                Look look = look(made + EVERY);
                looks.add(look);
                System.out.printf(
                        Locale.ROOT,
                        "| %d | %.1f | %.1f | %d | %d |%n",
                        look.images,
                        look.residentKiB / 1024.0,
                        look.jvmKiB / 1024.0,
                        look.threads,
                        look.files);
            }
        }
        long first = looks.get(0).residentKiB;
        long last = looks.get(looks.size() - 1).residentKiB;
        System.out.printf(
                Locale.ROOT,
                "resident memory from image %d to %d: %+.2f %%%n",
                EVERY,
                IMAGES,
                100.0 * (last - first) / first);
        System.out.println(machine);
        Map<String, Object> results = new LinkedHashMap<>();
        results.put("machine", machine);
        results.put("looks", looks);
        return results;
    }

    private static Look look(int images) throws IOException {
        System.gc();
        try (Stream<Path> files = Files.list(Path.of("/proc/self/fd"))) {
            return new Look(images, status("VmRSS"), jvmCommitted(), status("Threads"), files.count());
        }
    }

    private static long status(String field) throws IOException {
        try (Stream<String> lines = Files.lines(Path.of("/proc/self/status"))) {
            return lines.filter(line -> line.startsWith(field + ":"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
                    .findFirst()
                    .orElseThrow();
        }
    }

    private static long jvmCommitted() throws IOException {
        try {
            Object said = ManagementFactory.getPlatformMBeanServer()
                    .invoke(
                            new ObjectName("com.sun.management:type=DiagnosticCommand"),
                            "vmNativeMemory",
                            new Object[] {new String[] {"summary"}},
                            new String[] {String[].class.getName()});
            Matcher total = COMMITTED.matcher((String) said);
            return total.find() ? Long.parseLong(total.group(1)) : 0;
        } catch (JMException e) {
            throw new IOException("the JVM's native memory tracking cannot be read", e);
        }
    }
}
