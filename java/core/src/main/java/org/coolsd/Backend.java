package org.coolsd;

import org.coolsd.internal.NativeLibrary;
import org.coolsd.internal.binding.Native;

/** Where a verifier computes, and why there. */
public final class Backend {
    private final int code;
    private final String name;
    private final String reason;

    private Backend(int code, String name, String reason) {
        this.code = code;
        this.name = name;
        this.reason = reason;
    }

    /** The CPU. */
    public static Backend cpu() {
        return new Backend(Native.COOLSD_CPU, "cpu", "asked for");
    }

    /**
     * A CUDA device.
     *
     * @throws CoolsdException if the library has no CUDA backend or there is no such device
     */
    public static Backend cuda(int device) {
        NativeLibrary.require();
        NativeLibrary.check(Native.coolsd_backend_status(Native.COOLSD_CUDA));
        return new Backend(Native.COOLSD_CUDA, "cuda:" + device, "asked for");
    }

    /** CUDA where it can be used, else the CPU; {@link #reason} says which and why. */
    public static Backend auto() {
        NativeLibrary.require();
        if (Native.coolsd_backend_status(Native.COOLSD_CUDA) == Native.COOLSD_OK) {
            return new Backend(Native.COOLSD_CUDA, "cuda:0", "a device is present");
        }
        return new Backend(Native.COOLSD_CPU, "cpu", Native.coolsd_last_error().getString());
    }

    int code() {
        return code;
    }

    /** {@code cpu} or {@code cuda:N}. */
    public String name() {
        return name;
    }

    /** Why this one, in words. */
    public String reason() {
        return reason;
    }

    @Override
    public String toString() {
        return name + " (" + reason + ")";
    }
}
