package org.coolsd.internal;

import org.bytedeco.javacpp.Loader;
import org.coolsd.CoolsdException;
import org.coolsd.internal.binding.Native;

/**
 * Loads the native library once: from the folder that the system property {@code coolsd.library.path} names, and from
 * nowhere else if it is set; otherwise the copy in the jar, extracted to JavaCPP's cache
 * ({@code org.bytedeco.javacpp.cachedir}).
 */
public final class NativeLibrary {
    private static final int VERSION = 100;

    private NativeLibrary() {}

    static {
        load();
    }

    /** Makes sure the library is loaded. */
    public static void require() {
        // The static initialiser has done it.
    }

    private static void load() {
        String folder = System.getProperty("coolsd.library.path");
        try {
            if (folder == null) {
                Loader.load(Native.class);
            } else {
                System.load(folder + "/libcoolsd.so.0.1");
                System.load(folder + "/libjniNative.so");
            }
        } catch (UnsatisfiedLinkError e) {
            String from = folder == null
                    ? "the jar (" + Loader.getPlatform() + "); if its cache folder is mounted noexec, move it with"
                            + " -Dorg.bytedeco.javacpp.cachedir"
                    : "coolsd.library.path=" + folder;
            throw new CoolsdException("cannot load the native library from " + from + ": " + e.getMessage(), e);
        }
        int version = Native.coolsd_version();
        if (version != VERSION) {
            throw new CoolsdException("the native library has version " + version + ", the binding needs " + VERSION);
        }
    }

    /** Turns a status into an exception with the library's words. */
    public static void check(int status) {
        if (status != Native.COOLSD_OK) {
            throw new CoolsdException(Native.coolsd_last_error().getString());
        }
    }
}
