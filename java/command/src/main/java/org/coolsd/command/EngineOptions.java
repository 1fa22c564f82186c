package org.coolsd.command;

import java.io.IOException;
import java.util.Locale;
import org.coolsd.libtorch.Placement;
import org.coolsd.libtorch.Precision;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The options that say where and how fast images are computed: their law stays, but for what a precision rounds. */
public final class EngineOptions {
    /** Filled by picocli. */
    public EngineOptions() {
        this(1);
    }

    /** Filled by picocli, with another number of images side by side unless told otherwise. */
    public EngineOptions(int batch) {
        this.batch = batch;
    }

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    @Option(
            names = "--threads",
            paramLabel = "N",
            description =
                    "two share the halves of a guided image, or the images of a batch (default: ${DEFAULT-VALUE})")
    private int threads = 1;

    @Option(
            names = "--batch",
            paramLabel = "N",
            description = "images decoded side by side, 1..256 (default: ${DEFAULT-VALUE})")
    private int batch;

    @Option(
            names = "--precision",
            paramLabel = "P",
            description = "of matrix products: f16 (weights only), bf16 or f32 (default: the fastest here)")
    private Precision precision;

    @Option(names = "--device", paramLabel = "D", description = "cpu or cuda:N (default: ${DEFAULT-VALUE})")
    private String device = "cpu";

    /** A usage error if a value is out of range. */
    public void check() {
        require(threads >= 1, "threads is " + threads + ", at least 1 is needed");
        require(batch >= 1 && batch <= 256, "batch is " + batch + ", it must be 1..256");
        require(
                device.equals("cpu") || precision != Precision.F16,
                "precision is f16, which FBGEMM has for the CPU only; on " + device + " use bf16 or f32");
        require(device.matches("cpu|cuda(:\\d{1,3})?"), "device is '" + device + "', it must be cpu or cuda:N");
    }

    /** A usage error of the command that has these options, unless {@code holds}. */
    public void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new ParameterException(command.commandLine(), otherwise);
        }
    }

    /** Precision of matrix products; LibTorch is loaded. */
    public Precision precision() {
        if (precision != null) {
            return precision;
        }
        return device.equals("cpu") ? Precision.fastest() : Precision.BF16;
    }

    /** Where models are and logits are verified. */
    public Placement placement() throws IOException {
        if (device.equals("cpu")) {
            return Placement.cpu();
        }
        int colon = device.indexOf(':');
        return Placement.cuda(colon < 0 ? 0 : Integer.parseInt(device.substring(colon + 1)));
    }

    /** Whether models compute on a device. */
    public boolean onDevice() {
        return !device.equals("cpu");
    }

    /** Threads of a decoder, if there is work for as many. */
    public int threads() {
        return threads;
    }

    /** Images decoded side by side. */
    public int batch() {
        return batch;
    }

    @Override
    public String toString() {
        return String.format(Locale.ROOT, "%s, %s, %d thread%s", device, precision(), threads, threads == 1 ? "" : "s");
    }
}
