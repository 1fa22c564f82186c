package org.coolsd.models.memory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.coolsd.libtorch.LibTorch;
import org.coolsd.libtorch.Placement;
import org.coolsd.libtorch.Precision;
import org.coolsd.models.Checkpoints;
import org.coolsd.models.LoadedTarget;
import org.coolsd.models.TargetComponent;

/** A process that loads the target of a folder and closes it, as often as it is told, and prints what memory that took. */
final class LoadAndReport {
    private LoadAndReport() {}

    /**
     * @param args folder, precision, times
     */
    public static void main(String[] args) throws Exception {
        LibTorch.load(1);
        Precision precision = Precision.valueOf(args[1]);
        System.out.println("before " + bytes("VmRSS"));
        for (int i = 0; i < Integer.parseInt(args[2]); i++) {
            TargetComponent target =
                    (TargetComponent) Checkpoints.find(Path.of(args[0])).get(0);
            try (LoadedTarget<?> loaded = target.load(precision, Placement.cpu())) {
                System.out.println("loaded " + bytes("VmRSS"));
            }
            System.out.println("closed " + bytes("VmRSS"));
        }
        System.out.println("peak " + bytes("VmHWM"));
    }

    /** A size of this process in bytes; the peak of resident memory is VmHWM. */
    static long bytes(String field) throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith(field + ":")) {
                return Long.parseLong(line.replaceAll("[^0-9]", "")) << 10;
            }
        }
        throw new IOException("/proc/self/status has no " + field);
    }
}
