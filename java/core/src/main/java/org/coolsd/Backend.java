package org.coolsd;

import org.coolsd.internal.NativeLibrary;
import org.coolsd.internal.binding.Native;

/** Where a verifier computes, and why there. */
public final class Backend {
    private final int code;
    private final int device;
    private final String name;
    private final String reason;

    private Backend(int code, int device, String name, String reason) {
        this.code = code;
        this.device = device;
        this.name = name;
        this.reason = reason;
    }

    /** The CPU. */
    public static Backend cpu() {
        return cpu("asked for");
    }

    /** The CPU, and why not another. */
    public static Backend cpu(String reason) {
        return new Backend(Native.COOLSD_CPU, 0, "cpu", reason);
    }

    /**
     * A CUDA device. Logits are then views of its memory.
     *
     * @param device CUDA's ordinal, from 0
     * @throws CoolsdException if the library has no CUDA backend or there is no such device
     */
    public static Backend cuda(int device) {
        NativeLibrary.require();
        if (device < 0) {
            throw new IllegalArgumentException("device is " + device + ", it must be at least 0");
        }
        NativeLibrary.check(Native.coolsd_backend_status(Native.COOLSD_CUDA));
        return new Backend(Native.COOLSD_CUDA, device, "cuda:" + device, "asked for");
    }

    /**
     * CUDA where it can be used, else the CPU; {@link #reason} says which and why. For engines whose logits are where the
     * first CUDA device is when there is one.
     */
    public static Backend auto() {
        NativeLibrary.require();
        if (Native.coolsd_backend_status(Native.COOLSD_CUDA) == Native.COOLSD_OK) {
            return new Backend(Native.COOLSD_CUDA, 0, "cuda:0", "a device is present");
        }
        return cpu(Native.coolsd_last_error().getString());
    }

    int code() {
        return code;
    }

    int device() {
        return device;
    }

    boolean onDevice() {
        return code == Native.COOLSD_CUDA;
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
